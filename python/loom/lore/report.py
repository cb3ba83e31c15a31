"""What a trace says, in numbers."""

import json
import os.path
from collections import defaultdict
from typing import Dict, Iterator, List, NamedTuple, Tuple

TRACE_FILE = "server.trace.jsonl"


class Span(NamedTuple):
    """A task that ran: on which worker, from when to when (seconds since the trace began)."""

    worker: str
    start_s: float
    end_s: float
    group: str
    size_bytes: int


class GroupTotals:
    """What the tasks of one group took in all."""

    def __init__(self) -> None:
        self.n_tasks = 0
        self.seconds = 0.0
        self.size_bytes = 0


class Report:
    """Reads the trace that `Client.set_trace` had written: its directory, or the file in it. A file
    of `make_dry_report` can be read, too; nothing has run there, so it has tasks but no spans.

    Raises OSError where there is none, ValueError where it is something else.
    """

    def __init__(self, path: str) -> None:
        self.path = os.path.join(path, TRACE_FILE) if os.path.isdir(path) else path
        #: Tasks that ended, in the order in which they did.
        self.spans: List[Span] = []
        #: Worker's name and why, for each task that failed.
        self.failures: List[Tuple[str, str]] = []
        #: Tasks that were submitted, by task type.
        self.task_types: Dict[str, int] = defaultdict(int)
        #: How long the trace is.
        self.duration_s = 0.0
        # Groups by client and task id.
        self._groups: Dict[Tuple[int, int], str] = {}
        self._start_ms = 0.0
        with open(self.path, encoding="utf-8") as file:
            for event in _events(file.read(), self.path):
                self._add(event)

    @property
    def workers(self) -> List[str]:
        """Names of those that finished a task."""
        return sorted({span.worker for span in self.spans})

    @property
    def groups(self) -> Dict[str, GroupTotals]:
        """By the text of labels up to the first `:`, else by task type; those that took longest
        are first."""
        totals: Dict[str, GroupTotals] = defaultdict(GroupTotals)
        for span in self.spans:
            total = totals[span.group]
            total.n_tasks += 1
            total.seconds += span.end_s - span.start_s
            total.size_bytes += span.size_bytes
        return dict(sorted(totals.items(), key=lambda item: -item[1].seconds))

    def _add(self, event: dict) -> None:  # type: ignore[type-arg]
        if str(event.get("format", "")).startswith("hyperloom plan"):
            self.task_types.update(event["task_types"])
            return
        time_ms = event["timeMs"]
        self._start_ms = self._start_ms or time_ms
        self.duration_s = (time_ms - self._start_ms) / 1000
        kind = event["event"]
        if kind == "submit":
            self._add_submit(event)
        elif kind == "end":
            self._add_end(event)
        elif kind == "fail":
            self.failures.append((str(event["worker"]), event["message"]))

    def _add_submit(self, event: dict) -> None:  # type: ignore[type-arg]
        labels = event.get("labels") or []
        for row, task_type in enumerate(event["types"]):
            name = str(task_type)
            self.task_types[name] += 1
            label = labels[row] if row < len(labels) else ""
            group = label.split(":")[0] if label else name
            self._groups[event["client"], event["firstId"] + row] = group

    def _add_end(self, event: dict) -> None:  # type: ignore[type-arg]
        clients = event["clients"]
        for row, task_id in enumerate(event["ids"]):
            client = clients[row] if isinstance(clients, list) else clients
            duration_s = event["durationsUs"][row] / 1e6
            self.spans.append(
                Span(
                    str(event["worker"]),
                    self.duration_s - duration_s,
                    self.duration_s,
                    self._groups.get((client, task_id), "unknown"),
                    event["sizesBytes"][row],
                )
            )


def _events(text: str, path: str) -> Iterator[dict]:  # type: ignore[type-arg]
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        try:
            event = json.loads(line)
        except ValueError:
            # A server that was killed may have left its last line torn.
            if number == len(lines) and number > 1:
                return
            raise ValueError(f"{path} is no trace: line {number} is not JSON") from None
        if not isinstance(event, dict) or not ("event" in event or "format" in event):
            raise ValueError(f"{path} is no trace: line {number} is not an event")
        yield event
