"""When do flights leave, how far do they go, and which are late? A table of 200,000 flights is cut
into pieces; programs take the records apart and sort them, functions of this directory count, and
the picture is drawn and saved on the cluster.

    python3 examples/flight-clock/main.py [--server HOST:PORT] [--pieces N] [--output DIRECTORY]
"""

import argparse
import os
import time
from contextlib import ExitStack
from pathlib import Path

from loom.client import Client, LocalCluster

from pipeline import start_pipeline
from report import CELLS

DATA = Path(__file__).parents[2] / "node_modules/vega-datasets/data/flights-200k.json"


def parse_args():
    parser = argparse.ArgumentParser(description="Draws the flights of a day on a dial.")
    parser.add_argument(
        "--server", default=os.environ.get("HYPERLOOM_SERVER"), help="default: a cluster of its own"
    )
    parser.add_argument("--pieces", type=int, default=48)
    parser.add_argument("--output", type=Path, default=Path("results"))
    return parser.parse_args()


def summarize(counts, quarters):
    flights, late = sum(counts[:CELLS]), sum(counts[CELLS:])
    lines = [
        f"{flights:,} flights, {100 * late / flights:.1f} % more than 15 minutes late",
        "  leaving    flights    median  1 in 10  (minutes late)",
    ]
    for row in quarters:
        if row["quarter"] % 8 == 0 and row["flights"] >= 1000:
            numbers = (row["flights"], row["delayMinP50"], row["delayMinP90"])
            columns = "".join(f"{number:10}" for number in numbers)
            lines.append(f"  {row['quarter'] // 4:02}:00 {columns}")
    return "\n".join(lines)


def main():
    args = parse_args()
    pieces = max(1, args.pieces)
    output = args.output.resolve()
    output.mkdir(parents=True, exist_ok=True)
    chart, table = output / "flight-clock.svg", output / "flight-clock.json"

    with ExitStack() as stack:
        # On the server that is named, or on a cluster that lives as long as this script.
        server = args.server or stack.enter_context(LocalCluster(workers=2)).address
        client = stack.enter_context(Client(server))
        start = time.perf_counter()
        futures = start_pipeline(client, str(DATA), pieces, str(chart), str(table))
        counts, quarters, _ = client.gather(futures)
        seconds = time.perf_counter() - start

    print(f"{summarize(counts, quarters)}\n")
    for path in (chart, table):
        print(os.path.relpath(path))
    print(f"computed in {seconds:.1f} s from {pieces} pieces")


if __name__ == "__main__":
    main()
