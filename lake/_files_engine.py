"""The query engine: one DuckDB in memory, one cursor a question, Arrow in and out."""

import os
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

_BATCH = 1_000

Tables = Mapping[str, pa.Table]


class Engine:
    """An in-process DuckDB that keeps nothing but cached file footers. Made with a lake, closed
    with it.
    """

    def __init__(self, *, threads: int = 2, memory: str = "2GB") -> None:
        self._turn = threading.Lock()  # two calls of one connection at once are refused
        self._cursors = 0
        self._closed = False
        self._database = duckdb.connect(
            ":memory:",
            config={
                "threads": threads,
                "memory_limit": memory,
                "TimeZone": "UTC",
                "temp_directory": str(Path(tempfile.gettempdir()) / f"taglake-{os.getpid()}"),
                "parquet_metadata_cache": True,
                "autoinstall_known_extensions": False,  # nothing is fetched behind our back
                "preserve_insertion_order": False,
            },
        )

    @contextmanager
    def _cursor(self, tables: Tables) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._turn:
            if self._closed:
                raise duckdb.ConnectionException("the lake is closed")
            cursor = self._database.cursor()
            self._cursors += 1
        try:
            for name, table in tables.items():
                cursor.register(name, table)
            yield cursor
        finally:
            with self._turn:
                cursor.close()
                self._cursors -= 1
                self._let_go()

    def ask(self, sql: str, values: Mapping[str, object], tables: Tables) -> pa.Table:
        """Return the whole answer of one statement."""
        with self._cursor(tables) as cursor:
            return cursor.sql(sql, params=dict(values)).to_arrow_table()

    @contextmanager
    def stream(
        self, sql: str, values: Mapping[str, object], tables: Tables, *, batch: int = _BATCH
    ) -> Iterator[pa.RecordBatchReader]:
        """Give a reader of the answer's batches, valid inside the block."""
        with self._cursor(tables) as cursor:
            yield cursor.sql(sql, params=dict(values)).to_arrow_reader(batch)

    def close(self) -> None:
        """Let go of files and memory: now, or when the questions under way are answered. Whoever
        asked them may be gone, cancelled, and cannot be waited for.
        """
        with self._turn:
            self._closed = True
            self._let_go()

    def _let_go(self) -> None:
        if self._closed and not self._cursors:
            self._database.close()
