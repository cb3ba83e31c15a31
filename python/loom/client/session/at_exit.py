"""Sessions that are open when the interpreter ends leave the server, so that it need not wait."""

import atexit
import weakref
from typing import Protocol


class Closable(Protocol):
    def close(self) -> None: ...


_open: "weakref.WeakSet[Closable]" = weakref.WeakSet()


def close_at_exit(session: Closable) -> None:
    _open.add(session)


def _close_all() -> None:
    for session in list(_open):
        session.close()


atexit.register(_close_all)
