"""The k nearest neighbors: a penguin is of the species of most of those that are most alike."""

import math

from penguins import SPECIES


def learn(penguins, measurements):
    """A model of the known penguins by those measurements (positions in MEASUREMENTS) that count:
    means and deviations, by which all weigh the same, and each penguin's point, scaled, and its
    species."""
    columns = [[penguin["measured"][m] for penguin in penguins] for m in measurements]
    means = [mean_of(column) for column in columns]
    deviations = [
        math.sqrt(mean_of([(value - mean) * (value - mean) for value in column]))
        for column, mean in zip(columns, means)
    ]
    model = {"measurements": measurements, "means": means, "deviations": deviations}
    model["points"] = [scale(model, penguin) for penguin in penguins]
    model["species"] = [penguin["species"] for penguin in penguins]
    return model


def find_nearest(model, penguin, count):
    """Species of the most alike known penguins, the nearest first; of equally near ones the
    earlier."""
    point = scale(model, penguin)
    distances = []
    for known in model["points"]:
        distance = 0.0
        for a, b in zip(known, point):
            distance += (a - b) * (a - b)
        distances.append(distance)
    order = sorted(range(len(distances)), key=distances.__getitem__)
    return [model["species"][known] for known in order[:count]]


def vote(nearest, neighbors):
    """The species of most of the first `neighbors`; of equally many the one that is nearest."""
    voters = nearest[:neighbors]
    votes = [voters.count(species) for species in range(len(SPECIES))]
    most = max(votes)
    return next(voter for voter in voters if votes[voter] == most)


def scale(model, penguin):
    measured = penguin["measured"]
    return [
        (measured[m] - mean) / deviation
        for m, mean, deviation in zip(model["measurements"], model["means"], model["deviations"])
    ]


def mean_of(values):
    # One after the other, so that TypeScript, which does the same, comes to the same last digit:
    # `sum` is more exact in newer versions of Python.
    total = 0
    for value in values:
        total += value
    return total / len(values)
