"""The last known state of posts, profiles and tags: what a new observation is compared with."""

from collections.abc import Awaitable, Callable, Sequence
from itertools import islice

import msgspec

CountTuple = tuple[int | None, ...]


class State(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is remembered of one subject, small: it is kept for every post of the last weeks."""

    digest: bytes  # of everything but counts
    counts: CountTuple
    at: int  # milliseconds; when the last snapshot was written
    handle: str | None = None  # of a profile: to name authors where the network does not
    deleted: bool = False


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(State).decode

Load = Callable[[Sequence[str]], Awaitable[dict[str, bytes]]]


class Known:
    """A bounded memory in front of the spool's table `seen`.

    `fetch` brings what a page may need into memory; between it and the append of the page nothing
    may be awaited, or two pages would count the same growth. When an append fails, `forget`
    everything: memory must not be ahead of the disk.

    Beyond the limit a tenth is forgotten, what was learnt longest ago first: an order by last use
    would cost every look a write.
    """

    def __init__(self, load: Load, *, limit: int = 100_000) -> None:
        self._load = load
        self._limit = limit
        self.states: dict[str, State | None] = {}  # None: certainly not known

    async def fetch(self, ids: Sequence[str]) -> None:
        """Bring the states of these subjects into memory, as far as they are known."""
        missing = [key for key in ids if key not in self.states]
        if not missing:
            return
        stored = await self._load(missing)
        for key in missing:
            if key not in self.states:  # another page may have learnt it meanwhile
                self.states[key] = _decode(stored[key]) if key in stored else None

    def get(self, key: str) -> State | None:
        """Return the last known state of a subject that was fetched; None if it is new."""
        return self.states.get(key)

    def put(self, key: str, state: State) -> tuple[str, bytes]:
        """Remember a state and return it as the spool keeps it."""
        self.states[key] = state
        return key, _encode(state)

    def trim(self) -> None:
        """Forget what is over the limit; call it when no page is half-way."""
        extra = len(self.states) - self._limit
        if extra > 0:
            for key in list(islice(self.states, extra + self._limit // 10)):
                del self.states[key]

    def forget(self) -> None:
        """Forget everything; the next pages ask the disk again."""
        self.states.clear()
