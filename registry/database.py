"""One engine on SQLite or PostgreSQL: transactions, locks, and whose clock counts.

Clocks: an injected `now` is used everywhere. Without one, PostgreSQL's own clock counts, because
leases and budgets are shared by processes on several machines; on SQLite all processes are on one
machine, whose clock counts.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    asynccontextmanager,
    closing,
    contextmanager,
    nullcontext,
)
from datetime import UTC, datetime
from typing import Any, TypeVar

import sqlalchemy as sa
from asyncpg import PostgresError
from sqlalchemy import exc
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, CursorResult, RowMapping, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from registry.errors import BadAddress, Unreachable
from registry.ticks import Tick, Ticks, machine_ticks

Now = Callable[[], datetime]
Row = RowMapping
T = TypeVar("T")
DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+asyncpg",
    "postgres": "postgresql+asyncpg",
}
PART = 1_000  # rows read between two turns of the event loop, about 2 ms of work
BUSY_MILLISECONDS = 15_000  # how long a SQLite writer waits for another process


class Transaction:
    """One open transaction. Made by `Database`, good until its block ends."""

    def __init__(
        self, connection: AsyncConnection, now: Now | None, ticks: Ticks | None = None
    ) -> None:
        self.connection = connection
        self._now = now
        self._ticks = ticks
        self._postgres = connection.dialect.name == "postgresql"

    async def now(self) -> datetime:
        """Return the instant by the clock that counts; read it after the locks are held."""
        if self._now is not None:
            return self._now()
        if not self._postgres:
            return datetime.now(UTC)
        instant: datetime = await self.scalar(sa.select(sa.func.clock_timestamp()))
        return instant.astimezone(UTC)

    def tick(self) -> Tick | None:
        """Return the machine's own instant, None if its clock is not the one that counts."""
        return self._ticks() if self._ticks is not None else None

    async def lock(self, name: str, *, shared: bool = False) -> None:
        """Wait until no other transaction holds `name`, or none alone if `shared`.

        On SQLite a writer is alone anyway.
        """
        if self._postgres:
            functions = sa.func.pg_advisory_xact_lock, sa.func.pg_advisory_xact_lock_shared
            await self.run(sa.select(functions[shared](sa.func.hashtextextended(name, 0))))

    async def run(
        self, statement: sa.Executable, rows: Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        """Execute a statement, once or once per row."""
        return await _done(self.connection, self.connection.execute(statement, rows))

    async def all(self, statement: sa.Executable) -> Sequence[Row]:
        """Return all rows."""
        return (await self.run(statement)).mappings().all()

    async def each(self, statement: sa.Executable) -> AsyncIterator[Sequence[Any]]:
        """Yield the rows of a long answer as tuples; the loop goes on between parts of it."""
        async with self.connection.stream(statement) as result:
            async for part in result.partitions(PART):
                for row in part:
                    yield row

    async def first(self, statement: sa.Executable) -> Row | None:
        """Return the first row, if any."""
        return (await self.run(statement)).mappings().first()

    async def scalar(self, statement: sa.Executable) -> Any:
        """Return the first column of the first row, or None."""
        return (await self.run(statement)).scalar()

    def insert(self, table: sa.Table) -> postgresql.Insert:
        """Return an INSERT that knows `on_conflict_do_update`; both databases spell it the same."""
        return postgresql.insert(table) if self._postgres else sqlite.insert(table)  # type: ignore[return-value] # same methods


class Database:
    """The engine and its transactions. Made by `open_registry`, closed once by `Registry.close`."""

    def __init__(self, url: str, now: Now | None, *, ticks: Ticks | None = None) -> None:
        self._engine = _engine(_address(url))
        self._now = now
        own = now is None and self._engine.dialect.name == "sqlite"
        self._ticks = machine_ticks() if own and ticks is None else ticks
        # SQLite has one writer; queueing here spares its busy-wait among our own tasks.
        self._writer = asyncio.Lock() if self._engine.dialect.name == "sqlite" else None

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Transaction]:
        """Yield a transaction that writes nothing."""
        with _translated():
            async with self._engine.connect() as connection:
                yield Transaction(connection, self._now, self._ticks)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Transaction]:
        """Yield a transaction that is committed after the block, or rolled back by an error."""
        with _translated():
            async with self._alone(), self._engine.connect() as connection:
                await _done(connection, _begun(connection))
                yield Transaction(connection, self._now, self._ticks)
                await _done(connection, connection.commit())

    def _alone(self) -> AbstractAsyncContextManager[None]:
        return self._writer or nullcontext()

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()


async def _begun(connection: AsyncConnection) -> None:
    """Begin to write. What is not committed when the connection is closed is rolled back."""
    await connection.execution_options(taglake_writes=True)
    await connection.begin()


async def _done(connection: AsyncConnection, work: Coroutine[Any, Any, T]) -> T:
    """Return what comes of some work of a connection. On SQLite a cancelled one goes on to its end,
    and the cancellation is told then; PostgreSQL takes a question back.

    A statement of SQLite goes on in its thread whatever becomes of the task. A connection closed
    under it would keep its lock for as long as somebody holds the statement's cursor, as does the
    traceback of the very cancellation: all writers would wait in vain.
    """
    if connection.dialect.name == "postgresql":
        return await work
    task, cancelled = asyncio.ensure_future(work), None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as exc:
            cancelled = exc
    if cancelled is None:
        return task.result()
    if not task.cancelled():
        task.exception()  # nobody else asks for it
    raise cancelled


def _address(url: str) -> URL:
    """Return the URL with our driver in it. Raises BadAddress."""
    scheme = url.partition(":")[0]
    driver = DRIVERS.get(scheme.partition("+")[0])
    try:
        address = make_url(url)
    except exc.ArgumentError:
        raise BadAddress(scheme) from None
    if driver is None or (driver.startswith("sqlite") and not address.database):
        raise BadAddress(scheme)
    return address.set(drivername=driver)


def _engine(address: URL) -> AsyncEngine:
    if address.drivername.startswith("postgresql"):
        return create_async_engine(address, pool_pre_ping=True, pool_size=10, max_overflow=10)
    _probe(address.database or "")
    engine = create_async_engine(address, connect_args={"isolation_level": None})
    sa.event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    sa.event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _probe(path: str) -> None:
    """Open the file once, plainly: the driver's thread outlives a failure and shows a traceback."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA schema_version")
    except sqlite3.Error as error:
        raise Unreachable(f"the registry {path!r} cannot be opened: {error}") from error


def _prepare_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    cursor.execute("PRAGMA journal_mode = WAL")  # reports read while a poller writes
    # FULL: a budget written ahead has to survive a power cut, not only a killed process.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    # IMMEDIATE takes the write lock before the first read: a lock taken later fails at once when
    # another writer came in between, whatever the busy timeout.
    writes = connection.get_execution_options().get("taglake_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _translated() -> Iterator[None]:
    """Turn drivers' errors into Unreachable; a broken constraint is the store's to name."""
    try:
        yield
    except (exc.IntegrityError, exc.ProgrammingError, exc.DataError):
        raise
    except (exc.DBAPIError, exc.TimeoutError, PostgresError) as error:
        raise Unreachable(f"the registry does not answer: {_first_line(error)}") from error
    except OSError as error:
        raise Unreachable(f"the registry does not answer: {error.strerror or error}") from error


def _first_line(error: Exception) -> str:
    # SQLAlchemy's own text repeats the statement and its values, which are nobody's business.
    return str(getattr(error, "orig", None) or error).partition("\n")[0]
