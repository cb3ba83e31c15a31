"""Which measurements tell penguins apart, and how many neighbors should be asked? Every choice of
measurements and neighbors is tried by cross-validation, in functions of this directory; the best
one then tells penguins that nobody had seen.

    python3 examples/cross-validation/main.py [--server HOST:PORT] [--folds N] [--seed N]
                                              [--output DIRECTORY]
"""

import argparse
import json
import os
import time
from contextlib import ExitStack
from pathlib import Path

from loom.client import Client, LocalCluster

from chart import draw_grid
from pipeline import start_pipeline
from summary import summarize

DATA = Path(__file__).parents[2] / "node_modules/vega-datasets/data/penguins.json"


def parse_args():
    parser = argparse.ArgumentParser(description="Tells penguins apart.")
    parser.add_argument(
        "--server", default=os.environ.get("HYPERLOOM_SERVER"), help="default: a cluster of its own"
    )
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--output", type=Path, default=Path("results"))
    return parser.parse_args()


def main():
    args = parse_args()
    folds = max(2, args.folds)
    with ExitStack() as stack:
        # On the server that is named, or on a cluster that lives as long as this script.
        server = args.server or stack.enter_context(LocalCluster(workers=2)).address
        client = stack.enter_context(Client(server))
        start = time.perf_counter()
        choice, verdicts = client.gather(start_pipeline(client, str(DATA), folds, args.seed))
        seconds = time.perf_counter() - start

    args.output.mkdir(parents=True, exist_ok=True)
    chart, grid = args.output / "penguins.svg", args.output / "penguins.json"
    chart.write_text(draw_grid(choice, verdicts))
    grid.write_text(json.dumps({**choice, "verdicts": verdicts}, separators=(",", ":")) + "\n")
    print(f"{summarize(choice, verdicts)}\n")
    for path in (chart, grid):
        print(os.path.relpath(path))
    print(f"computed in {seconds:.1f} s with {folds} folds")


if __name__ == "__main__":
    main()
