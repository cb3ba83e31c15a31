"""The programs of docs/client-python.md print what the page says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[3] / "docs" / "client-python.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)

# Unchanged but for the port, which others may use on this machine.
PIPELINE = """\
from loom.client import Client, tasks
task1 = tasks.const("Hello ")
task2 = tasks.const("world!")
task3 = tasks.merge((task1, task2))
client = Client("localhost", 9010)
future = client.submit_one(task3)
print(future.gather())
"""


def run(program, directory):
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, cwd=directory
    )
    assert done.returncode == 0, done.stderr
    # Also where the program leaves its client open.
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_the_page_has_examples():
    assert len(PROGRAMS) >= 6


@pytest.mark.parametrize("program", PROGRAMS)
def test_an_example_prints_what_it_says(program, tmp_path):
    program = program.replace("/tmp/", f"{tmp_path}/")
    assert run(program, tmp_path) == re.findall(r"^# prints: (.*)$", program, re.MULTILINE)


def test_the_four_step_pipeline(cluster, tmp_path):
    program = PIPELINE.replace("9010", cluster.address.split(":")[1])
    assert run(program, tmp_path) == ["b'Hello world!'"]
