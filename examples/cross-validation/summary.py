"""What to say in the terminal."""

from penguins import MEASUREMENT_NAMES, SPECIES


def rank_choices(grid):
    """The points of the grid by choice of measurements, the choice with the best point first."""
    rows = {}
    for point in grid:
        rows.setdefault(tuple(point["measurements"]), []).append(point)
    return sorted(rows.values(), key=lambda row: -best_of(row)["correct"])


def best_of(row):
    """The first of the points with the most correct."""
    return max(row, key=lambda point: point["correct"])


def names_of(point):
    return ", ".join(MEASUREMENT_NAMES[m] for m in point["measurements"])


def summarize(choice, verdicts):
    """The best of each choice of measurements, the best of all, and how it does."""
    lines = ["  accuracy  neighbors   measurements"]
    for row in rank_choices(choice["grid"]):
        point = best_of(row)
        accuracy = f"{100 * point['correct'] / point['total']:.1f} %"
        lines.append(f"  {accuracy:>8} {point['neighbors']:>10}   {names_of(point)}")
    best = choice["best"]
    right = sum(verdict["species"] == verdict["predicted"] for verdict in verdicts)
    lines += [
        "",
        f"best: {best['neighbors']} neighbors by {names_of(best)}",
        f"of {len(verdicts)} penguins that were kept for the end, {right} are told right:",
        " " * 12 + "".join(f"{name:>11}" for name in SPECIES),
    ]
    pairs = [(verdict["species"], verdict["predicted"]) for verdict in verdicts]
    for i, name in enumerate(SPECIES):
        counts = (pairs.count((i, j)) for j in range(len(SPECIES)))
        lines.append(f"  {name:<10}" + "".join(f"{count:>11}" for count in counts))
    return "\n".join(lines)
