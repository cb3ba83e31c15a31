"""The result as a picture."""

from penguins import MEASUREMENT_NAMES, SPECIES
from summary import names_of, rank_choices

WIDTH, HEIGHT = 1280, 830
LEFT = 48
#: Of the dots that say which measurements count, and of the cells beside them.
DOTS_LEFT, DOTS_STEP = 66, 38
CELLS_LEFT, CELLS_TOP, CELL_WIDTH, CELL_HEIGHT = 222, 222, 54, 36
SCATTER_LEFT, SCATTER_TOP, SCATTER_WIDTH, SCATTER_HEIGHT = 858, 222, 374, 330
#: The two measurements of the scatter plot, and the ranges it shows.
X, X_FROM, X_TO, X_TICKS = 0, 32, 60, (35, 40, 45, 50, 55)
Y, Y_FROM, Y_TO, Y_TICKS = 1, 12.5, 22, (14, 16, 18, 20)

INK, DIM, PAPER, MARK = "#14212e", "#6b7a88", "#f6f8f9", "#ff7a1a"
SPECIES_COLORS = ("#ff7a1a", "#a03bc4", "#0f8b8d")
FONT = "Inter, 'Helvetica Neue', Helvetica, 'DejaVu Sans', Arial, sans-serif"

#: From snow to deep sea.
PALETTE = (
    (228, 238, 244),
    (176, 210, 228),
    (98, 165, 205),
    (38, 110, 168),
    (14, 62, 116),
    (6, 28, 62),
)
#: What is no better is as bright as can be; most of the scale is for what is close to perfect.
ACCURACY_MIN = 0.6
STRETCH = 1.6


def draw_grid(choice, verdicts):
    """Draws how well each point of the grid does, the best choice of measurements at the top, and
    what the best point makes of the penguins that were kept for the end.

    Returns an SVG document, 1280 x 830.
    """
    best = choice["best"]
    right = sum(verdict["species"] == verdict["predicted"] for verdict in verdicts)
    wrong = len(verdicts) - right
    x, y = SCATTER_LEFT - 44, SCATTER_TOP + SCATTER_HEIGHT + 100
    unseen = "penguins that nobody had seen are told right"
    subtitle = (
        f"{best['total']} penguins, each told by those that are most like it:"
        " percent told right, by cross-validation"
    )
    source = "Data: K. Gorman et al., palmerpenguins, by way of vega-datasets."
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}"'
        f' viewBox="0 0 {WIDTH} {HEIGHT}" font-family="{FONT}">',
        "<title>Which measurements tell penguins apart?</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{PAPER}"/>',
        text(LEFT, 62, "Which measurements tell penguins apart?", 30, INK, bold=True),
        text(LEFT, 92, subtitle, 16),
        *heat_map(best, rank_choices(choice["grid"])),
        text(SCATTER_LEFT, 156, "Those kept for the end", 18, INK, bold=True),
        *scatter(verdicts),
        text(x, y, f"{right} of {len(verdicts)}", 34, MARK, bold=True),
        text(x + 168, y - 16, unseen, 12),
        text(x + 168, y + 2, f"by {best['neighbors']} neighbors; {wrong} wrong, in a ring", 12),
        text(x, y + 34, f"The best: {names_of(best)}", 14, INK),
        text(LEFT, HEIGHT - 26, f"{source} Computed with HyperLoom.", 12),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def heat_map(best, rows):
    for m, name in enumerate(MEASUREMENT_NAMES):
        yield text(DOTS_LEFT + m * DOTS_STEP + 3, CELLS_TOP - 10, name, fill=INK, turn=-48)
    middle = CELLS_LEFT + len(rows[0]) * CELL_WIDTH / 2
    yield text(middle, CELLS_TOP - 36, "neighbors that are asked", anchor="middle")
    for column, point in enumerate(rows[0]):
        x = CELLS_LEFT + (column + 0.5) * CELL_WIDTH
        yield text(x, CELLS_TOP - 12, str(point["neighbors"]), 14, INK, "middle")
    for i, row in enumerate(rows):
        yield from measurement_dots(i, row[0]["measurements"])
        for column, point in enumerate(row):
            yield from cell(i, column, point)
    row, column = next((i, row.index(best)) for i, row in enumerate(rows) if best in row)
    yield (
        f'<rect x="{CELLS_LEFT + column * CELL_WIDTH - 1}" y="{CELLS_TOP + row * CELL_HEIGHT - 1}"'
        f' width="{CELL_WIDTH + 2}" height="{CELL_HEIGHT + 2}" rx="5" fill="none"'
        f' stroke="{MARK}" stroke-width="4"/>'
    )


def measurement_dots(row, measurements):
    """Dots of a row, joined by a line: filled for the measurements that count."""
    y = CELLS_TOP + (row + 0.5) * CELL_HEIGHT
    first, last = (DOTS_LEFT + m * DOTS_STEP for m in (measurements[0], measurements[-1]))
    yield f'<path d="M{first} {y:.1f}H{last}" stroke="{INK}" stroke-width="3"/>'
    for m in range(len(MEASUREMENT_NAMES)):
        fill = INK if m in measurements else "#d5dde3"
        yield f'<circle cx="{DOTS_LEFT + m * DOTS_STEP}" cy="{y:.1f}" r="7" fill="{fill}"/>'


def cell(row, column, point):
    x = CELLS_LEFT + column * CELL_WIDTH
    y = CELLS_TOP + row * CELL_HEIGHT
    accuracy = point["correct"] / point["total"]
    yield (
        f'<rect x="{x + 1}" y="{y + 1}" width="{CELL_WIDTH - 2}" height="{CELL_HEIGHT - 2}"'
        f' rx="3" fill="{color(accuracy)}"/>'
    )
    fill = "#ffffff" if share_of(accuracy) > 0.4 else INK
    label_y = y + CELL_HEIGHT / 2 + 4.5
    yield text(x + CELL_WIDTH / 2, label_y, f"{accuracy * 100:.1f}", 13, fill, "middle")


def scatter(verdicts):
    left, top, width, height = SCATTER_LEFT, SCATTER_TOP, SCATTER_WIDTH, SCATTER_HEIGHT

    def x(value):
        return left + (value - X_FROM) / (X_TO - X_FROM) * width

    def y(value):
        return top + height - (value - Y_FROM) / (Y_TO - Y_FROM) * height

    yield (
        f'<rect x="{left}" y="{top}" width="{width}" height="{height}" rx="6" fill="#ffffff"'
        ' stroke="#dde4e9"/>'
    )
    for tick in X_TICKS:
        yield f'<path d="M{x(tick):.1f} {top}v{height}" stroke="#edf1f4"/>'
        yield text(x(tick), top + height + 20, str(tick), anchor="middle")
    for tick in Y_TICKS:
        yield f'<path d="M{left} {y(tick):.1f}h{width}" stroke="#edf1f4"/>'
        yield text(left - 8, y(tick) + 4.5, str(tick), anchor="end")
    x_name, y_name = (f"{MEASUREMENT_NAMES[m]}, mm" for m in (X, Y))
    yield text(left + width / 2, top + height + 42, x_name, anchor="middle")
    yield text(left - 36, top + height / 2, y_name, anchor="middle", turn=-90)
    for verdict in verdicts:
        at = f'cx="{x(verdict["measured"][X]):.1f}" cy="{y(verdict["measured"][Y]):.1f}"'
        fill = SPECIES_COLORS[verdict["species"]]
        yield f'<circle {at} r="5.5" fill="{fill}" fill-opacity="0.85"/>'
        if verdict["species"] != verdict["predicted"]:
            yield f'<circle {at} r="11" fill="none" stroke="{INK}" stroke-width="2"/>'
    for i, name in enumerate(SPECIES):
        at_x = left + 8 + i * 122
        yield f'<circle cx="{at_x}" cy="{top - 18}" r="5.5" fill="{SPECIES_COLORS[i]}"/>'
        yield text(at_x + 12, top - 13, name, 14, INK)


def share_of(accuracy):
    return max((accuracy - ACCURACY_MIN) / (1 - ACCURACY_MIN), 0) ** STRETCH


def color(accuracy):
    position = share_of(accuracy) * (len(PALETTE) - 1)
    low = min(int(position), len(PALETTE) - 2)
    at = position - low
    mixed = (int(a + (b - a) * at + 0.5) for a, b in zip(PALETTE[low], PALETTE[low + 1]))
    return f"rgb({','.join(map(str, mixed))})"


def text(x, y, content, size=13, fill=DIM, anchor="start", bold=False, turn=0):
    weight = ' font-weight="700"' if bold else ""
    rotate = f' transform="rotate({turn} {x:.1f} {y:.1f})"' if turn else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{fill}"'
        f' text-anchor="{anchor}"{weight}{rotate}>{content}</text>'
    )
