"""The functions of the pipeline. They run on workers, which get them, and what they use, with the
plan."""

import json
import math

from loom.client import tasks

from dial import draw_dial
from report import BAND_MILES, BANDS, CELLS, LATE_MINUTES, list_cells


@tasks.py_task(context=True)
def tally(context, lines):
    """Counts the flights of a piece: those in each cell, then the late ones in each cell. Lines of
    quarter, distance, delay."""
    counts = [0] * (2 * CELLS)
    for line in lines.read().splitlines():
        quarter, miles, delay_min = map(int, line.split(b"\t"))
        cell = quarter * BANDS + min(miles // BAND_MILES, BANDS - 1)
        counts[cell] += 1
        if delay_min > LATE_MINUTES:
            counts[CELLS + cell] += 1
    return context.json(counts)


@tasks.py_task(context=True)
def combine(context, *tallies):
    """Adds up what was counted."""
    columns = zip(*(counts.unwrap() for counts in tallies))
    return context.json([sum(column) for column in columns])


@tasks.py_task(context=True)
def quantiles(context, lines):
    """Quantiles, by nearest rank, of lines of quarter, distance, delay that are sorted by quarter
    and delay."""
    delays_by_quarter = {}
    for line in lines.read().splitlines():
        quarter, _, delay_min = map(int, line.split(b"\t"))
        delays_by_quarter.setdefault(quarter, []).append(delay_min)

    def quantile(delays, share):
        return delays[math.ceil(len(delays) * share) - 1]

    return context.json(
        [
            {
                "quarter": quarter,
                "flights": len(delays),
                "delayMinP50": quantile(delays, 0.5),
                "delayMinP90": quantile(delays, 0.9),
            }
            for quarter, delays in delays_by_quarter.items()
        ]
    )


@tasks.py_task()
def draw(counts, quarters):
    """The report as an SVG document."""
    return draw_dial(counts.unwrap(), quarters.unwrap())


@tasks.py_task()
def write(counts, quarters):
    """The report as JSON, for whoever wants to go on with it."""
    report = {"cells": list_cells(counts.unwrap()), "quarters": quarters.unwrap()}
    return json.dumps(report, separators=(",", ":")) + "\n"
