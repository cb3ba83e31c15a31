"""A report as one page of HTML, which needs nothing else."""

from html import escape
from typing import Dict, List

from .report import Report, Span

_COLORS = ("#4878a8", "#e49444", "#6a9f58", "#d1615d", "#85b6b2", "#b07aa1", "#9c755f", "#967662")
_OTHER_COLOR = "#a9a9a9"
#: Of the timeline, in pixels.
_WIDTH, _LANE_HEIGHT, _LABEL_WIDTH = 1000, 22, 170
#: Rectangles of one worker: more could not be told apart.
_MAX_SPANS_OF_WORKER = 4000

_STYLE = """
body { font: 14px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 1200px; color: #222 }
table { border-collapse: collapse } th, td { padding: .2em 1em; border-bottom: 1px solid #ddd }
th { text-align: left } td.number { text-align: right } .key { display: inline-block; width: 1em;
height: 1em; vertical-align: middle; margin-right: .4em }
"""


def create_html(report: Report, filename: str = "report.html", full: bool = False) -> None:
    """Writes a page: what ran, in which groups, on which worker and when.

    full: draw every task, also where there are more than can be told apart.
    """
    groups = report.groups
    colors = {name: _COLORS[i] for i, name in enumerate(list(groups)[: len(_COLORS)])}
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        f"<title>HyperLoom report</title><style>{_STYLE}</style></head><body>",
        "<h1>HyperLoom report</h1>",
        f"<p>{len(report.spans)} tasks finished, {len(report.failures)} failed, "
        f"{len(report.workers)} workers, {report.duration_s:.2f} seconds.</p>",
        _timeline(report, colors, full),
        _groups_table(report, colors),
        _submitted_table(report),
        _failures_list(report),
        "</body></html>",
    ]
    with open(filename, "w", encoding="utf-8") as file:
        file.write("\n".join(parts))


def _timeline(report: Report, colors: Dict[str, str], full: bool) -> str:
    workers = report.workers
    if not workers:
        return "<p>Nothing has run.</p>"
    begin = min(span.start_s for span in report.spans)
    scale = (_WIDTH - _LABEL_WIDTH) / max(report.duration_s - begin, 1e-6)
    lanes: Dict[str, List[Span]] = {worker: [] for worker in workers}
    for span in report.spans:
        lanes[span.worker].append(span)
    shapes: List[str] = []
    for lane, (worker, spans) in enumerate(lanes.items()):
        top = lane * _LANE_HEIGHT
        shapes.append(f"<text x='0' y='{top + 15}' font-size='12'>{escape(worker)}</text>")
        # The longest ones are those that can be seen.
        if not full:
            spans = sorted(spans, key=lambda s: s.start_s - s.end_s)[:_MAX_SPANS_OF_WORKER]
        for span in spans:
            x = _LABEL_WIDTH + (span.start_s - begin) * scale
            width = max((span.end_s - span.start_s) * scale, 0.3)
            color = colors.get(span.group, _OTHER_COLOR)
            shapes.append(
                f"<rect x='{x:.1f}' y='{top + 2}' width='{width:.1f}' height='{_LANE_HEIGHT - 4}' "
                f"fill='{color}' fill-opacity='.8'><title>{escape(span.group)}: "
                f"{span.end_s - span.start_s:.4f} s</title></rect>"
            )
    height = len(workers) * _LANE_HEIGHT
    return (
        f"<h2>When and where</h2><svg viewBox='0 0 {_WIDTH} {height}' width='100%'>"
        + "".join(shapes)
        + "</svg>"
    )


def _groups_table(report: Report, colors: Dict[str, str]) -> str:
    rows = "".join(
        f"<tr><td><span class='key' style='background:{colors.get(name, _OTHER_COLOR)}'></span>"
        f"{escape(name)}</td>{_number(total.n_tasks)}{_number(f'{total.seconds:.3f}')}"
        f"{_number(f'{total.seconds / total.n_tasks:.6f}')}{_number(total.size_bytes)}</tr>"
        for name, total in report.groups.items()
    )
    head = "<tr><th>group<th>tasks<th>seconds<th>seconds each<th>bytes made</tr>"
    return f"<h2>Groups</h2><table>{head}{rows}</table>"


def _submitted_table(report: Report) -> str:
    rows = "".join(
        f"<tr><td>{escape(name)}</td>{_number(count)}</tr>"
        for name, count in sorted(report.task_types.items(), key=lambda item: -item[1])
    )
    return f"<h2>Submitted</h2><table><tr><th>task type<th>tasks</tr>{rows}</table>"


def _failures_list(report: Report) -> str:
    if not report.failures:
        return ""
    items = "".join(
        f"<li>on {escape(worker)}: <pre>{escape(message)}</pre>"
        for worker, message in report.failures
    )
    return f"<h2>Failed</h2><ul>{items}</ul>"


def _number(value: object) -> str:
    return f"<td class='number'>{value}</td>"
