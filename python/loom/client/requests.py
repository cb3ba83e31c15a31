"""Common resource requests."""

from .task import ResourceRequest


def cpus(n: int) -> ResourceRequest:
    """A request of n cpus."""
    request = ResourceRequest()
    request.add_resource("loom/resource/cpus", n)
    return request


#: What programs, functions and writers of files ask for unless they say otherwise.
cpu1 = cpus(1)
