"""Submits functions that never end, each of which marks that it runs; does what it is told then.

    hold.py PORT DIRECTORY COUNT WAY release|leave|stay
"""

import json
import os
import re
import sys
import time

from loom.client import Client, tasks
from loom.client.tasks import py_task

port, directory, count, way, then = sys.argv[1:]


@py_task(n_direct_args=1)
def hold(path):
    with open(path + ".part", "w") as file:
        file.write(str(os.getpid()))
    os.rename(path + ".part", path)
    if way == "spin":
        while True:
            pass
    if way == "regex":
        # Holds the interpreter's lock for ever.
        re.match(r"(a|a)*b", "a" * 60)
    if way == "child":
        os.system(f"echo $$ > {path}.child; exec sleep 1000")
    time.sleep(1000)


paths = [os.path.join(directory, f"held-{number}") for number in range(int(count))]
client = Client("127.0.0.1", int(port), reconnect=0)
futures = client.submit([hold(path) for path in paths])
while not all(os.path.exists(path) for path in paths):
    time.sleep(0.005)
pids = []
for path in paths:
    with open(path) as file:
        pids.append(int(file.read()))
print(json.dumps(pids), flush=True)
if then == "release":
    client.release(futures)
    client.get_stats()
if then == "leave":
    os._exit(0)
if then == "stay":
    time.sleep(1000)
client.close()
