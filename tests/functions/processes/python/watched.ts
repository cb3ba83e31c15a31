/** The functions of `modules/watched.ts` in Python, and some that want too much memory. */
export const WATCHED = `
import os, time

def work(duration_ms):
    start = time.time()
    time.sleep(duration_ms / 1000)
    return f"[{start * 1000}, {time.time() * 1000}, {os.getpid()}]"

def pass_on(running, hold, input):
    with open(running + ".new", "w") as file:
        file.write(f"{os.getpid()} {os.getppid()}")
    os.rename(running + ".new", running)
    while os.path.exists(hold):
        pass
    return b"\\x01" * len(input.read())

def store(running, hold):
    """As in modules/storing.ts."""
    from collections.abc import Sequence

    class Second(Sequence):
        def __len__(self):
            return 1

        def __getitem__(self, index):
            if index > 0:
                raise IndexError
            with open(running + ".new", "w") as file:
                file.write(f"{os.getpid()} {os.getppid()}")
            os.rename(running + ".new", running)
            while os.path.exists(hold):
                pass
            return b"2"

    return [b"\\x01" * 2_000_000, Second()]

def allocate():
    kept = []
    while True:
        kept.append(b"x" * 1_000_000)

def allocate_at_once():
    return str(len(bytearray(10**12)))
`;
