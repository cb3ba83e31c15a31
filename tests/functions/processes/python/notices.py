"""A call that waits for a program, which waits for what the server says of the call. Prints that,
and what came of the call, as JSON.

notices.py PORT GATE [VERSION]: VERSION is the Python that the client says it has.
"""

import json
import sys
from pathlib import Path

from loom.client import Client, TaskFailed, tasks
from loom.client.session import connect

port, gate, *version = sys.argv[1:]
if version:
    versions = {**connect.client_versions(), "python": version[0]}
    connect.client_versions = lambda: versions

notices = []


def on_notice(text):
    notices.append(text)
    Path(gate).touch()


@tasks.py_task()
def double(x):
    return x.read() * 2


with Client("127.0.0.1", int(port), on_notice=on_notice) as client:
    wait = 'until [ -e "$0" ]; do sleep 0.01; done; printf ab'
    future = client.submit_one(double(tasks.run(["sh", "-c", wait, gate])))
    try:
        result = client.gather_one(future).decode()
    except TaskFailed as error:
        result = str(error)
print(json.dumps({"notices": notices, "result": result}))
