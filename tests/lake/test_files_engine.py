"""The engine is closed while questions are under way, as when whoever asked was cancelled."""

import time
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pytest

from lake._files_engine import Engine

LONG = "SELECT count(*) AS n FROM range(30_000_000) AS one(i) WHERE i % 7 = 0"


def test_what_is_under_way_is_answered_after_closing() -> None:
    engine = Engine()
    with ThreadPoolExecutor(3) as threads:
        asked = [threads.submit(engine.ask, LONG, {}, {}) for _ in range(3)]
        time.sleep(0.05)  # some have begun, if the machine is not too busy
        engine.close()
        told = [str(one.exception() or one.result()["n"][0]) for one in asked]
    assert set(told) <= {"4285715", "the lake is closed"}


def test_a_stream_ends_in_its_own_time() -> None:
    engine = Engine()
    with engine.stream("SELECT i FROM range(5000) AS one(i)", {}, {}) as reader:
        engine.close()
        assert sum(len(batch) for batch in reader) == 5000
    with pytest.raises(duckdb.ConnectionException, match="the lake is closed"):
        engine.ask("SELECT 1 AS n", {}, {})
