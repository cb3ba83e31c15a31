"""Whether the server can be asked something now.

joining -> live -> away <-> returning -> live ...        any of them -> ended
"""

from typing import Optional

_FIRST_PAUSE_S = 0.02
_MAX_PAUSE_S = 1.0

JOINING, LIVE, AWAY, RETURNING, ENDED = "joining", "live", "away", "returning", "ended"


class Link:
    """Changes by what happens; knows no sockets and no clock."""

    def __init__(self) -> None:
        self.phase = JOINING
        #: For how long it tries to come back; 0: the end of its connection is the end.
        self.grace_s = 0.0
        #: Tries to connect since it went away.
        self.tries = 0
        self.away_since = 0.0

    def registered(self, grace_s: float) -> bool:
        """The server has answered the registration. True if it must now be told what is here."""
        if self.phase == JOINING:
            self.phase = LIVE
            self.grace_s = grace_s
            return False
        if self.phase != AWAY:
            return False
        self.phase = RETURNING
        return True

    def attached(self) -> bool:
        """The server has said what it has of that. False if nobody asked."""
        if self.phase != RETURNING:
            return False
        self.phase = LIVE
        self.tries = 0
        return True

    def broken(self, now: float) -> Optional[float]:
        """The connection is gone, or could not be made: after how many seconds to try (again);
        None: it is over."""
        if self.phase == ENDED:
            return None
        if self.phase in (JOINING, LIVE):
            self.away_since = now
        away_s = now - self.away_since
        if self.phase == JOINING or away_s >= self.grace_s:
            self.phase = ENDED
            return None
        self.phase = AWAY
        pause_s = min(_FIRST_PAUSE_S * 2**self.tries, _MAX_PAUSE_S)
        self.tries += 1
        return min(pause_s, self.grace_s - away_s)

    def end(self) -> None:
        self.phase = ENDED
