"""Plans that live without a client."""

from typing import TYPE_CHECKING, Dict, List, Optional, Sequence

from .errors import LoomError
from .future import Future

if TYPE_CHECKING:
    from .client import Client


class DetachedPlan:
    """A plan that lives in the server until it is forgotten. Made by `Client.attach`; any number of
    clients, in any language, may be attached to it.

    To release its futures, or to close the client, changes nothing for the plan.
    """

    def __init__(
        self, client: "Client", name: str, futures: Sequence[Future], labels: Sequence[str]
    ) -> None:
        self.name = name
        #: Of the tasks that were submitted, in their order.
        self.futures: List[Future] = list(futures)
        self._labels = list(labels)
        self._client = client

    def result(self, label: str) -> Future:
        """The future of the task with this label. Raises LoomError if there is none, or several."""
        found = {future for future, name in zip(self.futures, self._labels) if name == label}
        if len(found) != 1:
            raise LoomError(f"The plan '{self.name}' has {len(found)} results labeled '{label}'")
        return found.pop()

    def wait(self, timeout: Optional[float] = None) -> None:
        """Returns when all results are finished. Raises as `Client.wait` does."""
        self._client.wait(self.futures, timeout)

    def fetch(self) -> List[object]:
        """Waits for all results and copies them here; the plan keeps them."""
        return self._client.fetch(self.futures)

    def status(self) -> Dict[str, object]:
        """What the server says of it now. Raises LoomError if it was forgotten."""
        return self._client._ask_plan("find", self.name)

    def cancel(self) -> Dict[str, object]:
        """Stops what is not finished. What is finished can still be fetched, until `forget`."""
        return self._client._ask_plan("cancel", self.name)

    def forget(self) -> None:
        """Ends the plan: what runs is stopped, its results are dropped, and its name is free."""
        self._client._ask_plan("forget", self.name)

    def __repr__(self) -> str:
        return f"<DetachedPlan {self.name!r} with {len(self.futures)} results>"
