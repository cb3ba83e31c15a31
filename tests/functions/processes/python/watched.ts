/** The functions of `modules/watched.ts` in Python, and one that wants ever more memory. */
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

def allocate():
    import resource
    used = os.sysconf("SC_PAGE_SIZE") * int(open("/proc/self/statm").read().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (used + (256 << 20), resource.RLIM_INFINITY))
    kept = []
    try:
        while True:
            kept.append(bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
`;
