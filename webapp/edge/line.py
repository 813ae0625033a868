"""The line of a process: one request runs at a time, the others wait for turns that are shared out fairly.

The next turn goes to the organization that has run the least of late, and in it to the credential that has: who asks
little is served at once, and whoever floods waits behind himself.
"""

import math
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

Names = tuple[str, str]
EXPECTED = 1.0  # seconds that a request should have to wait behind its own credential's others
AT_LEAST = 8  # requests that a credential may have inside in any case, as browsers ask for a page's parts
REMEMBERED = 10_000
OF_LATE = 0.5  # seconds after which what somebody ran counts for a third


class Line:
    """The requests inside a process: how many, whose, and who runs next."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.inside: Counter[str] = Counter()
        self._count = self._kept = 0
        self._waiting: list[Place] = []
        self._ran: dict[str, tuple[float, float]] = {}  # seconds that count of what somebody ran, and when that was
        self._began, self._seconds = 0.0, 0.0  # when this turn began, and how long turns are on the whole
        self._running: Place | None = None
        self._lock = threading.RLock()  # an answer thrown away may be collected inside of it

    def enter(self, names: Names) -> "Place | int":
        """Give (organization, credential) a place, or say with which status it is refused.

        An organization has three quarters of the room at most, a credential half of it, or less while turns are long.
        """
        with self._lock:
            if self._count >= self.room:
                return 503
            organization, credential = (self.inside[name] for name in names)
            in_time = int(EXPECTED / self._seconds) if self._seconds else self.room
            if organization >= self.room * 3 // 4 or credential >= min(self.room // 2, max(AT_LEAST, in_time)):
                return 429
            self._count += 1
            self.inside.update(names)
        return Place(self, names)

    def leave(self, place: "Place") -> None:
        """Take back a place."""
        with self._lock:
            self._count -= 1
            self._kept -= place.is_kept
            self.inside -= Counter(place.names)

    def keep(self, place: "Place", most: int) -> bool:
        """Have a place stay beyond its turn, unless so many do."""
        with self._lock:
            place.is_kept = self._kept < most
            self._kept += place.is_kept
        return place.is_kept

    def take(self, place: "Place", patience: float) -> bool:
        """Wait for a turn, and tell whether it came in time (negative patience: however long it takes)."""
        with self._lock:
            if self._running is None:
                self._begin(place)
                return True
            place.turn.acquire(blocking=False)
            self._waiting.append(place)
        if place.turn.acquire(timeout=patience):
            return True
        with self._lock:
            if place not in self._waiting:  # the turn came in this very moment
                return True
            self._waiting.remove(place)
        return False

    def give(self) -> None:
        """End a turn: the next is of who has run the least of late, and of his of who came first."""
        with self._lock:
            now = time.monotonic()
            took = now - self._began
            self._seconds += (took - self._seconds) / 32
            if len(self._ran) > REMEMBERED:
                self._ran.clear()
            for name in self._running.names if self._running is not None else ():
                self._ran[name] = (self._ran_of_late(name, now) + took, now)
            self._running = None
            if self._waiting:
                place = min(self._waiting, key=lambda each: [self._ran_of_late(name, now) for name in each.names])
                self._waiting.remove(place)
                self._begin(place)
                place.turn.release()

    def is_waited_for(self) -> bool:
        """Tell whether anybody waits for a turn."""
        return bool(self._waiting)

    def _begin(self, place: "Place") -> None:
        self._running, self._began = place, time.monotonic()

    def _ran_of_late(self, name: str, now: float) -> float:
        seconds, at = self._ran.get(name, (0.0, 0.0))
        return seconds * math.exp((at - now) / OF_LATE)


class Place:
    """The place of one request, and whether it has the turn; every step may be repeated."""

    __slots__ = ("_is_left", "has_turn", "is_kept", "line", "names", "turn")

    def __init__(self, line: Line, names: Names) -> None:
        self.line, self.names = line, names
        self.turn = threading.Lock()
        self.has_turn = self.is_kept = self._is_left = False

    def take(self, patience: float = -1) -> bool:
        """Wait for the turn, and tell whether it came."""
        self.has_turn = self.has_turn or self.line.take(self, patience)
        _here.place = self if self.has_turn else None
        return self.has_turn

    def keep(self, most: int) -> bool:
        """Stay beyond the turn, for an answer that is made while it is sent; tell whether there is room for it."""
        return self.line.keep(self, most)

    def give(self) -> None:
        """Let the next one run."""
        if self.has_turn:
            self.has_turn, _here.place = False, None
            self.line.give()

    def leave(self) -> None:
        """Give up turn and place."""
        self.give()
        if not self._is_left:
            self._is_left = True
            self.line.leave(self)


_here = threading.local()


@contextmanager
def aside() -> Iterator[None]:
    """Let others run while the request of this thread waits for something: a lock of the database."""
    place: Place | None = getattr(_here, "place", None)
    if place is not None:
        place.give()
    try:
        yield
    finally:
        if place is not None:
            place.take()


def step_aside() -> None:
    """Let those run who wait, in the middle of something long."""
    place: Place | None = getattr(_here, "place", None)
    if place is not None and place.line.is_waited_for():
        with aside():
            pass


class Streamed:
    """An answer that is made while it is sent: each step takes a turn, none is held while the client reads."""

    def __init__(self, blocks: Iterable[bytes], place: Place) -> None:
        self._blocks, self._steps = blocks, iter(blocks)
        self._place: Place | None = place

    def __iter__(self) -> "Streamed":
        return self

    def __next__(self) -> bytes:
        if self._place is None:
            raise StopIteration
        self._place.take()
        try:
            return next(self._steps)
        finally:
            self._place.give()

    def close(self) -> None:
        """Close what is behind, in a turn, and leave; a client that has gone comes here too."""
        place, self._place = self._place, None
        if place is None:
            return
        place.take()
        try:
            if hasattr(self._blocks, "close"):
                self._blocks.close()
        finally:
            place.leave()

    def __del__(self) -> None:
        """Leave for a server that has forgotten to close."""
        if self._place is not None:
            self._place.leave()
