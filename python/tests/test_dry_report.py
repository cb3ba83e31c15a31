"""Reports without a server, and reports of traces."""

import json

import pytest

from loom.client import LoomError, make_dry_report, tasks
from loom.lore.html import create_html
from loom.lore.report import Report


def pipeline():
    lines = tasks.split(tasks.const("a\nb\n"))
    pieces = []
    for i in range(3):
        piece = tasks.run("sort", stdin=tasks.get(lines, i))
        piece.label = f"sort: {i}"
        pieces.append(piece)
    return tasks.merge(pieces)


def test_a_plan_is_described(tmp_path):
    path = tmp_path / "plan.json"
    report = make_dry_report([pipeline()], str(path))
    assert json.loads(path.read_text()) == report
    assert report["n_tasks"] == 9
    assert report["n_inputs"] == 1 + 3 + 3 + 3
    assert (report["depth"], report["width"]) == (5, 3)
    assert report["task_types"]["loom/run/run"] == 3
    assert report["groups"] == {"sort": 3}
    assert report["results"] == [8]
    assert report["tasks"][8] == {"type": "loom/data/merge", "inputs": [3, 5, 7], "config_bytes": 0}
    assert report["tasks"][3]["label"] == "sort: 0"
    assert report["tasks"][3]["resources"] == {"loom/resource/cpus": 1}


def test_a_deep_plan_is_described(tmp_path):
    task = tasks.const("x")
    for _ in range(20_000):
        task = tasks.merge((task,))
    assert make_dry_report([task], str(tmp_path / "plan"))["depth"] == 20_001


def test_what_could_not_be_submitted_is_refused(tmp_path):
    broken = tasks.const("x")
    broken.checkpoint_path = "relative"
    for plan in ([broken], [tasks.merge((5,))], [5]):
        with pytest.raises(LoomError):
            make_dry_report(plan, str(tmp_path / "plan"))
    assert not (tmp_path / "plan").exists()


TRACE = """\
{"event":"worker-joined","timeMs":1000,"worker":"w:1"}
{"event":"submit","timeMs":2000,"client":1,"firstId":0,"types":["loom/data/const","loom/run/run"],"labels":["","sort: <1>"]}
{"event":"end","timeMs":2500,"worker":"w:1","ids":[0],"clients":1,"durationsUs":[20],"sizesBytes":[4]}
{"event":"end","timeMs":4000,"worker":"w:2","ids":[1,7],"clients":[1,2],"durationsUs":[1500000,10],"sizesBytes":[8,1]}
{"event":"fail","timeMs":4000,"client":1,"id":2,"worker":"w:2","message":"a <b> failed"}
{"event":"end","timeMs":5000,"wor"""  # noqa: E501


def test_a_trace_is_read(tmp_path):
    (tmp_path / "server.trace.jsonl").write_text(TRACE)
    report = Report(str(tmp_path))
    assert report.workers == ["w:1", "w:2"]
    assert report.duration_s == 3.0
    assert report.task_types == {"loom/data/const": 1, "loom/run/run": 1}
    assert list(report.groups) == ["sort", "loom/data/const", "unknown"]
    longest = report.groups["sort"]
    assert (longest.n_tasks, longest.seconds, longest.size_bytes) == (1, 1.5, 8)
    span = report.spans[1]
    assert (span.worker, span.start_s, span.end_s) == ("w:2", 1.5, 3.0)
    assert report.failures == [("w:2", "a <b> failed")]

    for full in (False, True):
        create_html(report, str(tmp_path / "report.html"), full)
        page = (tmp_path / "report.html").read_text()
        assert page.count("<rect") == 3
        assert "3 tasks finished, 1 failed, 2 workers, 3.00 seconds" in page
        assert "a &lt;b&gt; failed" in page


def test_a_dry_report_can_be_read_and_shown(tmp_path):
    make_dry_report([pipeline()], str(tmp_path / "plan"))
    report = Report(str(tmp_path / "plan"))
    assert report.task_types["loom/base/get"] == 3
    create_html(report, str(tmp_path / "report.html"))
    assert "Nothing has run" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize("text", ["no json\n{}", "[1]", '{"a": 1}'])
def test_what_is_no_trace_is_refused(tmp_path, text):
    (tmp_path / "file").write_text(text)
    with pytest.raises(ValueError, match="is no trace: line 1"):
        Report(str(tmp_path / "file"))
    with pytest.raises(FileNotFoundError):
        Report(str(tmp_path / "missing"))


def test_a_real_trace(client, tmp_path):
    client.set_trace(str(tmp_path))
    client.submit_one(pipeline_that_runs()).gather()
    client.set_trace(str(tmp_path / "elsewhere"))
    report = Report(str(tmp_path))
    assert report.groups["sort"].n_tasks == 2
    assert 1 <= len(report.workers) <= 2
    create_html(report, str(tmp_path / "report.html"))


def pipeline_that_runs():
    lines = tasks.split(tasks.const("a\nb\n"))
    pieces = [tasks.run("sort", stdin=tasks.get(lines, i)) for i in range(2)]
    for piece in pieces:
        piece.label = "sort: x"
    return tasks.merge(pieces)
