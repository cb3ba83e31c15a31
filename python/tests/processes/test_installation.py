"""What pip installs."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2]

CHECK = """
import sys
before = set(sys.modules)
import loom.client, loom.client.tasks, loom.client.task, loom.client.errors, loom.client.wait
from loom.client import Client, tasks, Task, Future, TaskFailed, LoomException, make_dry_report
from loom.client.errors import LoomError
from loom.client.task import Task, ResourceRequest
from loom.lore.report import Report
from loom.lore.html import create_html
from importlib import resources, metadata
assert (resources.files("loom") / "py.typed").is_file()
assert metadata.version("hyperloom") == loom.__version__
assert metadata.requires("hyperloom")[0].startswith("cloudpickle")
assert "cloudpickle" not in sys.modules
assert "asyncio" not in sys.modules
print(loom.__file__)
"""


def test_the_package_can_be_installed(tmp_path):
    # An environment of Debian's packages has no pip.
    pytest.importorskip("pip")
    # A copy, because the build leaves files beside its sources.
    source = tmp_path / "source"
    shutil.copytree(PACKAGE, source, ignore=shutil.ignore_patterns("*.egg-info", "__pycache__"))
    target = tmp_path / "target"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", target, source], check=True, timeout=120)
    # Without the site packages, so that nothing but Python itself and the package is there.
    code = f"import sys; sys.path.insert(0, {str(target)!r})\n" + CHECK
    run = [sys.executable, "-S", "-c", code]
    done = subprocess.run(run, check=True, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.stdout.strip() == str(target / "loom" / "__init__.py")


def test_what_is_slow_to_import_is_imported_when_it_is_used():
    code = "import sys, loom.client; print(sorted({'asyncio', 'cloudpickle'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"
