"""The report as a picture."""

import math

from report import BAND_MILES, BANDS, QUARTERS, list_cells

WIDTH, HEIGHT = 1280, 900
CENTER_X, CENTER_Y = 450, 450
#: Radii: of the nearest flights, of the farthest, and of the rim that shows delays.
HUB, EDGE, RIM = 118, 338, 396
#: Length of a bar of the rim for each minute of delay; what is longer is cut.
RIM_PER_MINUTE = 0.36
RIM_MINUTES_MAX = 130
#: Quantiles of fewer flights say little.
RIM_FLIGHTS_MIN = 300
NUMERALS = 364
PANEL_X = 918
#: Sizes of dots: of a single flight, and how much is added for the fullest cell.
DOT_SMALLEST, DOT_GROWTH = 0.8, 5.2

INK, DIM, BACKGROUND = "#f2ede4", "#8f97a8", "#0d1117"
FONT = "Inter, 'Helvetica Neue', Helvetica, 'DejaVu Sans', Arial, sans-serif"

#: From never late to half of them late.
PALETTE = (
    (66, 214, 200),
    (130, 220, 165),
    (245, 224, 130),
    (255, 160, 84),
    (246, 84, 84),
    (214, 40, 110),
)
LATE_SHARE_MAX = 0.5
#: A cell of few flights says little: so many flights of the average kind are added to each.
PRIOR_FLIGHTS = 8


def draw_dial(counts, quarters):
    """Draws the report as a dial of 24 hours: the angle of a dot is the time of day, its distance
    from the center the distance that is flown, its area the number of flights, its color the share
    of late ones. The bars around the dial show how late one flight in ten is.

    Returns an SVG document, 1280 x 900.
    """
    cells = list_cells(counts)
    flights = sum(cell["flights"] for cell in cells)
    late = sum(cell["late"] for cell in cells)
    most = max(cell["flights"] for cell in cells)
    x = PANEL_X
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}"'
        f' viewBox="0 0 {WIDTH} {HEIGHT}" font-family="{FONT}">',
        "<title>Flights by time of day, distance and delay</title>",
        '<defs><radialGradient id="sky"><stop offset="0" stop-color="#1b2233"/>'
        f'<stop offset="1" stop-color="{BACKGROUND}"/></radialGradient></defs>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{BACKGROUND}"/>',
        f'<circle cx="{CENTER_X}" cy="{CENTER_Y}" r="{RIM + 60}" fill="url(#sky)"/>',
        *face(),
        *dots(cells, flights, late, most),
        f'<g stroke="{INK}" stroke-opacity="0.8" stroke-width="3.5" stroke-linecap="round">',
        *rim(quarters),
        f'<path d="M{x + 2} 644h{bar_length(60):.1f}"/>',
        "</g>",
        *hub(flights, late),
        text(x, 150, "The day runs late", size=32, fill=INK, bold=True),
        text(x, 182, "Flights in the United States by the time", size=15),
        text(x, 203, "at which they leave and how far they go", size=15),
        *extremes(cells, flights, 272),
        text(x, 410, "Color: more than 15 minutes late", size=13, fill=INK),
        *color_scale(424),
        text(x, 500, f"Size: flights in 15 minutes and {BAND_MILES} miles", size=13, fill=INK),
        *size_scale(522, most),
        text(x, 576, "Distance from the middle: miles flown", size=13, fill=INK),
        text(x, 606, "Bars around the dial: one flight in ten", size=13, fill=INK),
        text(x, 624, "is later than this", size=13, fill=INK),
        text(x + 40, 648, "60 minutes", size=12),
        text(x, 820, "Data: U.S. Bureau of Transportation Statistics,", size=12),
        text(x, 838, "by way of vega-datasets (flights-200k).", size=12),
        text(x, 856, "Computed with HyperLoom.", size=12),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def face():
    for miles in (500, 1000, 1500, 2000, 2500):
        radius = radius_of(miles)
        label_x, label_y = point(13, radius)
        yield (
            f'<circle cx="{CENTER_X}" cy="{CENTER_Y}" r="{radius:.1f}" fill="none"'
            f' stroke="{INK}" stroke-opacity="0.13" stroke-dasharray="1 5"/>'
        )
        yield text(label_x + 6, label_y + 4, f"{miles:,}", size=11)
    for hour in range(24):
        x, y = point(hour * 4, NUMERALS)
        main = hour % 6 == 0
        style = {"size": 16, "fill": INK, "bold": True} if main else {"size": 12}
        yield text(x, y + 5, clock(hour), anchor="middle", **style)


def dots(cells, flights, late, most):
    prior = PRIOR_FLIGHTS * late / flights
    for cell in cells:
        x, y = point(cell["quarter"] + 0.5, radius_of((cell["band"] + 0.5) * BAND_MILES))
        late_share = (cell["late"] + prior) / (cell["flights"] + PRIOR_FLIGHTS)
        yield dot(x, y, cell["flights"] / most, color(late_share))


def rim(quarters):
    """How late one in ten is, as bars outside of the dial."""
    for row in quarters:
        if row["flights"] >= RIM_FLIGHTS_MIN:
            from_x, from_y = point(row["quarter"] + 0.5, RIM)
            to_x, to_y = point(row["quarter"] + 0.5, RIM + bar_length(row["delayMinP90"]))
            yield f'<path d="M{from_x:.1f} {from_y:.1f}L{to_x:.1f} {to_y:.1f}"/>'


def hub(flights, late):
    x, y = CENTER_X, CENTER_Y
    yield text(x, y - 6, f"{flights:,}", size=30, fill=INK, anchor="middle", bold=True)
    yield text(x, y + 18, "flights", size=15, anchor="middle")
    yield text(x, y + 42, f"{100 * late / flights:.0f} % late", 15, INK, "middle")


def extremes(cells, flights, top):
    """The hour with the least and with the greatest share of late flights, among those in which
    much flies."""
    by_hour = [[0, 0] for _ in range(24)]
    for cell in cells:
        by_hour[cell["quarter"] // 4][0] += cell["flights"]
        by_hour[cell["quarter"] // 4][1] += cell["late"]
    shares = [(late / n, hour) for hour, (n, late) in enumerate(by_hour) if n >= flights / 50]
    for i, (share, hour) in enumerate((min(shares), max(shares))):
        y = top + i * 66
        which = ("best", "worst")[i]
        span = f"{clock(hour)} to {clock(hour + 1)}"
        yield text(PANEL_X, y, f"{100 * share:.0f} %", size=28, fill=color(share), bold=True)
        yield text(PANEL_X + 108, y - 12, f"late in the {which} hour")
        yield text(PANEL_X + 108, y + 5, span, fill=INK)


def color_scale(top):
    steps, width = 60, 250
    yield '<g shape-rendering="crispEdges">'
    for i in range(steps):
        fill = color((i + 0.5) / steps * LATE_SHARE_MAX)
        x = PANEL_X + i / steps * width
        yield (
            f'<rect x="{x:.1f}" y="{top}" width="{width / steps + 0.4:.1f}" height="10"'
            f' fill="{fill}"/>'
        )
    yield "</g>"
    yield text(PANEL_X, top + 28, "0 %", size=12)
    yield text(PANEL_X + width / 2, top + 28, "25 %", size=12, anchor="middle")
    yield text(PANEL_X + width, top + 28, "50 % or more", size=12, anchor="middle")


def size_scale(top, most):
    for i, flights in enumerate((1, 50, 200, 400)):
        if flights <= most:
            x = PANEL_X + 6 + i * 66
            yield dot(x, top, flights / most, INK)
            yield text(x + 12, top + 4, str(flights), size=12)


def color(late_share):
    position = min(late_share / LATE_SHARE_MAX, 1) * (len(PALETTE) - 1)
    low = min(int(position), len(PALETTE) - 2)
    at = position - low
    mixed = (int(a + (b - a) * at + 0.5) for a, b in zip(PALETTE[low], PALETTE[low + 1]))
    return f"rgb({','.join(map(str, mixed))})"


def point(quarter, radius):
    """A point of the dial: midnight is at the top, noon at the bottom."""
    angle = quarter / QUARTERS * 2 * math.pi
    return CENTER_X + radius * math.sin(angle), CENTER_Y - radius * math.cos(angle)


def radius_of(miles):
    return HUB + miles / (BANDS * BAND_MILES) * (EDGE - HUB)


def bar_length(delay_min):
    return min(max(delay_min, 0), RIM_MINUTES_MAX) * RIM_PER_MINUTE


def clock(hour):
    return f"{hour % 24:02}:00"


def dot(x, y, share, fill):
    radius = DOT_SMALLEST + DOT_GROWTH * math.sqrt(share)
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.2f}" fill="{fill}"/>'


def text(x, y, content, size=14, fill=DIM, anchor="start", bold=False):
    weight = ' font-weight="700"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{fill}"'
        f' text-anchor="{anchor}"{weight}>{content}</text>'
    )
