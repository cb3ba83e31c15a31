"""What spawn-probe.c does, where there is no C compiler; slower by what Python itself takes."""

import json
import os
import sys
import time


def start(root: str, number: int) -> None:
    directory = f"{root}/{number}"
    os.mkdir(directory)
    flags = os.O_WRONLY | os.O_CREAT
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, f"{directory}/out", flags, 0o600),
        (os.POSIX_SPAWN_OPEN, 2, f"{directory}/err", flags, 0o600),
    ]
    os.posix_spawn("/bin/true", ["/bin/true"], os.environ, file_actions=actions)


count, in_flight, root = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
begin = time.monotonic()
started = ended = 0
while ended < count:
    while started < count and started - ended < in_flight:
        start(root, started)
        started += 1
    os.wait()
    ended += 1
print(json.dumps({"spawnPerSecond": count / (time.monotonic() - begin)}))
