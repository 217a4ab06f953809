"""A TCP proxy on the loopback that does to connections what networks do, switchable at run time.

A fault is a value: `proxy.fault = Fault(reset=0.5)`. It holds for what crosses the proxy from then
on, also on connections that are open; `proxy.fault = CLEAN` ends it.
"""

import asyncio
import contextlib
import random
from dataclasses import dataclass, field
from typing import Literal, Self

CHUNK = 16 << 10
Way = Literal["up", "down"]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is wrong with the network now. All at once is possible; nothing is the default."""

    reset: float = 0.0  # share of connections, and of later requests on them, that are reset
    black_hole: bool = False  # bytes vanish; connections stay open until it ends
    latency: float = 0.0  # seconds before each chunk
    jitter: float = 0.0  # seconds, more or less
    bytes_per_second: float | None = None  # each way of each connection
    slice_bytes: int | None = None  # no chunk is larger
    answer_bytes: int | None = None  # of an answer; then the connection breaks: applied, unheard
    cut_share: float = 1.0  # of answers that `answer_bytes` breaks


CLEAN = Fault()


@dataclass
class Counts:
    """What crossed the proxy."""

    connections: int = 0
    refused: int = 0
    resets: int = 0
    cut: int = 0  # answers that were lost on their way
    up: int = 0  # bytes towards the server
    down: int = 0


@dataclass
class Proxy:
    """Enter it to listen; `port` stays the same while `refuse` and `listen` close and open it."""

    upstream: tuple[str, int]
    rng: random.Random
    port: int = 0
    counts: Counts = field(default_factory=Counts)

    async def __aenter__(self) -> Self:
        """Listen."""
        self._server: asyncio.Server | None = None
        self._pairs: set[_Pair] = set()
        self._fault = CLEAN
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hang up on everybody."""
        await self.refuse()

    @property
    def fault(self) -> Fault:
        """What is wrong now."""
        return self._fault

    @fault.setter
    def fault(self, fault: Fault) -> None:
        self._fault = fault
        for pair in list(self._pairs):
            if pair.swallowed and not fault.black_hole:
                pair.abort()  # bytes of it are gone: no connection goes on as if they were not

    @property
    def url(self) -> str:
        """The address that clients use."""
        return f"http://127.0.0.1:{self.port}"

    async def listen(self) -> None:
        """Accept connections again."""
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Close the port and break what is open: connections are refused until `listen`."""
        if self._server is not None:
            self._server.close()
            self._server = None
        await self.reset_all()

    async def reset_all(self) -> None:
        """Break every open connection now."""
        pairs = list(self._pairs)
        for pair in pairs:
            pair.abort()
        await asyncio.gather(*(pair.ended.wait() for pair in pairs))

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.counts.connections += 1
        if self._server is None or self._unlucky():
            writer.transport.abort()
            return
        try:
            up_reader, up_writer = await asyncio.open_connection(*self.upstream)
        except OSError:
            self.counts.refused += 1
            writer.transport.abort()
            return
        pair = _Pair(self, (reader, writer), (up_reader, up_writer))
        self._pairs.add(pair)
        try:
            await pair.run()
        finally:
            self._pairs.discard(pair)

    def _unlucky(self) -> bool:
        hit = self.fault.reset > 0 and self.rng.random() < self.fault.reset
        self.counts.resets += hit
        return hit


Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Pair:
    """One connection from client to server and the one behind it; both end together."""

    def __init__(self, proxy: Proxy, client: Ends, server: Ends) -> None:
        self._proxy, self._client, self._server = proxy, client, server
        self._answered = 0  # bytes of the answer under way
        self._cutting = False
        self.swallowed = False  # bytes of it went into a black hole
        self._tasks: list[asyncio.Task[None]] = []
        self.ended = asyncio.Event()

    async def run(self) -> None:
        """Pump both ways until one end is gone."""
        self._tasks = [
            asyncio.create_task(self._pump(self._client[0], self._server[1], "up")),
            asyncio.create_task(self._pump(self._server[0], self._client[1], "down")),
        ]
        try:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.abort()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self.ended.set()

    def abort(self) -> None:
        """Break both connections: what is in a buffer is lost, as with a cable."""
        for task in self._tasks:
            task.cancel()
        for _, writer in (self._client, self._server):
            writer.transport.abort()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Way
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                if way == "up" and self._starts_request() and self._proxy._unlucky():
                    return
                if not await self._pass(data, writer, way):
                    return

    def _starts_request(self) -> bool:
        """Note that bytes of a request came; return whether they begin one on a used connection."""
        begins, self._answered = self._answered > 0, 0
        fault = self._proxy.fault
        self._cutting = fault.answer_bytes is not None and (
            fault.cut_share >= 1.0 or self._proxy.rng.random() < fault.cut_share
        )
        return begins

    async def _pass(self, data: bytes, writer: asyncio.StreamWriter, way: Way) -> bool:
        """Send one chunk on, as badly as the fault says; return False when the line broke."""
        fault, counts = self._proxy.fault, self._proxy.counts
        if fault.black_hole:
            self.swallowed = True
            return True
        if fault.latency or fault.jitter:
            late = fault.latency + fault.jitter * self._proxy.rng.uniform(-1, 1)
            await asyncio.sleep(max(0.0, late))
        if way == "down" and fault.answer_bytes is not None and self._cutting:
            data = data[: max(0, fault.answer_bytes - self._answered)]
        size = fault.slice_bytes or len(data)
        for start in range(0, len(data), max(1, size)):
            piece = data[start : start + size]
            if fault.bytes_per_second is not None:
                await asyncio.sleep(len(piece) / fault.bytes_per_second)
            writer.write(piece)
            await writer.drain()
            if fault.slice_bytes is not None:
                await asyncio.sleep(0)  # a packet of its own
        setattr(counts, way, getattr(counts, way) + len(data))
        return way == "up" or not self._spent(len(data), fault)

    def _spent(self, size: int, fault: Fault) -> bool:
        """Count bytes of an answer; return whether it ends here and now."""
        self._answered += size
        over = self._cutting and fault.answer_bytes is not None
        cut = over and self._answered >= (fault.answer_bytes or 0)
        self._proxy.counts.cut += cut
        return cut
