"""The plan, all of it functions of steps.py."""

from itertools import combinations

import cloudpickle
from loom.client import tasks

import neighbors
import penguins
import steps

# Workers do not have these files: functions are sent whole, not as names to import.
for module in (neighbors, penguins, steps):
    cloudpickle.register_pickle_by_value(module)

#: How many neighbors are tried.
NEIGHBORS = (1, 3, 5, 9, 15, 25, 41, 65, 101, 151)

#: Which measurements are tried: every choice of one to four, the smaller ones first.
CHOICES = [
    choice
    for count in range(1, len(penguins.MEASUREMENTS) + 1)
    for choice in combinations(range(len(penguins.MEASUREMENTS)), count)
]


def start_pipeline(client, data_path, folds, seed):
    """Submits the pipeline:

    open -> split -+-> train -> rank -> score -> choose -+-> evaluate
                   |   (for each fold and choice         |
                   |    of measurements; `score`         |
                   |    for each number of neighbors)    |
                   +-------------------------------------+

    Returns futures of the choice and of the verdicts.
    """
    parts = steps.split(folds, seed, tasks.open(data_path))
    grid = []
    scores = []
    for choice in CHOICES:
        rankings = [rank_fold(parts, fold, choice) for fold in range(folds)]
        for count in NEIGHBORS:
            grid.append({"measurements": choice, "neighbors": count})
            scores += [steps.score(count, ranking) for ranking in rankings]
    choice = steps.choose(grid, *scores)
    return client.submit([choice, steps.evaluate(parts, choice)])


def rank_fold(parts, fold, choice):
    name = "+".join(map(str, choice))
    model = steps.train(fold, choice, parts)
    model.label = f"train: {name}, {fold}"
    ranking = steps.rank(fold, max(NEIGHBORS), model, parts)
    ranking.label = f"rank: {name}, {fold}"
    return ranking
