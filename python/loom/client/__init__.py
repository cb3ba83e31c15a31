"""The client: describe work with `tasks`, submit it with a `Client`."""

from . import tasks
from .client import Client
from .detached import DetachedPlan
from .dry_report import make_dry_report
from .errors import LoomError, LoomException, TaskCanceled, TaskFailed
from .future import Future
from .local_cluster import LocalCluster
from .task import ResourceRequest, Task
from .values import JavaScriptObject

__all__ = [
    "Client",
    "DetachedPlan",
    "Future",
    "JavaScriptObject",
    "LocalCluster",
    "LoomError",
    "LoomException",
    "ResourceRequest",
    "Task",
    "TaskCanceled",
    "TaskFailed",
    "make_dry_report",
    "tasks",
]
