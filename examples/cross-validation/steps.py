"""The functions of the pipeline. They run on workers, which get them, and what they use, with the
plan."""

import functools
import json

from loom.client import tasks

from neighbors import find_nearest, learn, vote
from penguins import deal_out, parse_penguins


def step(n_direct_args=0):
    """Makes a function that takes and returns plain values a builder of tasks: inputs are
    unwrapped, and the result is JSON, which functions of TypeScript could read as well."""

    def decorate(function):
        @tasks.py_task(context=True, n_direct_args=n_direct_args)
        @functools.wraps(function)
        def call(context, *args):
            direct, inputs = args[:n_direct_args], args[n_direct_args:]
            return context.json(function(*direct, *(value.unwrap() for value in inputs)))

        return call

    return decorate


@tasks.py_task(context=True, n_direct_args=2)
def split(context, folds, seed, table):
    """Deals the table out: a part for each fold, and a last one that is kept for the end."""
    penguins = parse_penguins(json.loads(table.read()))
    return context.json(deal_out(penguins, folds + 1, seed))


@step(n_direct_args=2)
def train(fold, measurements, parts):
    """Learns from all parts but the fold and the last."""
    known = [part for i, part in enumerate(parts[:-1]) if i != fold]
    return learn(flat(known), measurements)


@step(n_direct_args=2)
def rank(fold, neighbors_max, model, parts):
    """Looks for the neighbors of each penguin of the fold, once for all parameters that count
    them."""
    return [
        {
            "species": penguin["species"],
            "nearest": find_nearest(model, penguin, neighbors_max),
        }
        for penguin in parts[fold]
    ]


@step(n_direct_args=1)
def score(neighbors, rankings):
    """Counts how often so many neighbors are right."""
    right = [row for row in rankings if vote(row["nearest"], neighbors) == row["species"]]
    return {"correct": len(right), "total": len(rankings)}


@step(n_direct_args=1)
def choose(grid, *scores):
    """Sums the scores of all folds up and chooses the best parameters: the most correct, then the
    fewest measurements, then the fewest neighbors, then the first of the grid. The scores are in
    the order of the grid, those of all folds together."""
    folds = len(scores) // len(grid)
    rated = []
    for i, parameters in enumerate(grid):
        of_folds = scores[i * folds : (i + 1) * folds]
        correct = sum(score["correct"] for score in of_folds)
        total = sum(score["total"] for score in of_folds)
        rated.append({**parameters, "correct": correct, "total": total})
    best = min(rated, key=lambda p: (-p["correct"], len(p["measurements"]), p["neighbors"]))
    return {"best": best, "grid": rated}


@step()
def evaluate(parts, choice):
    """Learns from all folds with the best parameters, and tells the penguins of the last part."""
    best = choice["best"]
    model = learn(flat(parts[:-1]), best["measurements"])
    verdicts = []
    for penguin in parts[-1]:
        nearest = find_nearest(model, penguin, best["neighbors"])
        verdicts.append({**penguin, "predicted": vote(nearest, best["neighbors"])})
    return verdicts


def flat(parts):
    return [penguin for part in parts for penguin in part]
