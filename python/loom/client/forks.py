"""What must not be inherited by forked processes: connections and the pipes of local clusters.

A child that keeps a copy open keeps the server from seeing the end of the parent.
"""

import os
import weakref
from typing import Protocol


class Forgettable(Protocol):
    def forget(self) -> None:
        """Gives up everything that belongs to the parent; called in the child."""


_inherited: "weakref.WeakSet[Forgettable]" = weakref.WeakSet()


def forget_in_children(thing: Forgettable) -> None:
    """Has `thing.forget()` called in each process that is forked from this one."""
    _inherited.add(thing)


def _forget_all() -> None:
    for thing in list(_inherited):
        thing.forget()
    _inherited.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
