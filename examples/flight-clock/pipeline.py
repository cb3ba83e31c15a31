"""The plan; functions of steps.py and programs of any Debian take turns."""

import cloudpickle
from loom.client import tasks

import dial
import report
import steps

# Workers do not have these files: functions are sent whole, not as names to import.
for module in (dial, report, steps):
    cloudpickle.register_pickle_by_value(module)

# The table is JSON on one line: [{"delay":0,"distance":1452,"time":0.0},{"delay":171,...}]
#: Records of JSON to lines of quarter of an hour, distance and delay.
EXTRACT = r"""BEGIN { RS = "}"; FS = ":"; OFS = "\t" }
NF == 4 { print int($4 * 4), $3 + 0, $2 + 0 }"""

#: By quarter, then by delay.
SORT = ("sort", "-n", "-k1,1", "-k3,3")
PLAIN_ORDER = {"LC_ALL": "C"}

#: So many tallies are added up at once.
GROUP = 8


def start_pipeline(client, data_path, pieces, chart_path, table_path):
    """Submits the pipeline; programs are in brackets, functions have parentheses:

    open -> split -> slice -> [awk] -+-> tally() -> combine() -> combine() -+-> draw() -> save
                     (in pieces)     |  (in pieces)      (a tree)           |
                                     +-> [sort] -> [sort -m] -> quantiles() +-> write() -> save

    Returns futures of the tally, of the quarters, and of both saves (absolute paths).
    """
    # The number of records is not known before the split: a first, small plan asks for it.
    index = tasks.split(tasks.open(data_path), "}")
    records, count = client.submit([index, tasks.length(index)])
    n_records = tasks.read_count(count.gather())

    bounds = [i * n_records // pieces for i in range(pieces + 1)]
    extracted = [
        labeled(
            tasks.run(["awk", EXTRACT], stdin=tasks.slice(records, start, end)), f"extract: {i}"
        )
        for i, (start, end) in enumerate(zip(bounds, bounds[1:]))
    ]
    counts = add_up(
        [labeled(steps.tally(lines), f"tally: {i}") for i, lines in enumerate(extracted)]
    )
    quarters = steps.quantiles(merge_sorted(extracted))
    saved = tasks.array_make(
        [
            tasks.save(steps.draw(counts, quarters), chart_path),
            tasks.save(steps.write(counts, quarters), table_path),
        ]
    )
    futures = client.submit([counts, quarters, saved])
    # Its last consumers are submitted; the server drops it as soon as they are done.
    records.release()
    return futures


def add_up(tallies):
    """A tree, so that no task waits for all of the others but the last."""
    level = tallies
    while True:
        level = [steps.combine(*level[i : i + GROUP]) for i in range(0, len(level), GROUP)]
        if len(level) == 1:
            return level[0]


def merge_sorted(pieces):
    """Each piece is sorted by itself; the sorted ones are files to the program that merges them."""
    inputs = [
        (labeled(tasks.run(SORT, stdin=lines, env=PLAIN_ORDER), f"sort: {i}"), f"sorted-{i}.tsv")
        for i, lines in enumerate(pieces)
    ]
    files = [file for _, file in inputs]
    merge = tasks.run([*SORT, "-m", *files], inputs=inputs, env=PLAIN_ORDER)
    return labeled(merge, "sort: merge")


def labeled(task, label):
    """Names the task in errors and traces."""
    task.label = label
    return task
