"""Cases 5 to 9: lost answers, resets, a slow lake, a black hole, torn requests."""

import asyncio
import random
import socket
from pathlib import Path

import pytest

from faults.figures import record
from faults.forms import LONG
from faults.lakes import StandinLake
from faults.plays import GRACE, WARM, WIRES, Figures, oracle, stop_without_lake
from faults.proxy import Fault, Proxy
from faults.world import faulty
from ingestor.contract import Request
from ingestor.errors import Down
from ingestor.http import Http
from lake.contract import Line
from lake.elastic import ElasticLake
from lake.errors import Unavailable


@pytest.mark.skipif(LONG, reason="the long form plays each case alone")
@pytest.mark.timeout(600)
async def test_what_wires_do_and_a_stop_without_a_lake_lose_nothing(tmp_path: Path) -> None:
    async with faulty(tmp_path, StandinLake(), seed=55, grace=GRACE) as world:
        await world.start()
        await world.working()
        await stop_without_lake(world)
        for cases in ((6, 8), (5, 7, 9)):  # a new process waits for no breaker and no minute
            await world.start()
            await world.working()
            for case in cases:
                await WIRES[case][1](world)
            await world.stop()
        verdict = await world.settle()
        assert verdict.good, world.trouble(str(verdict))


@pytest.mark.skipif(not LONG, reason="the short form plays all cases in one world")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("case", list(WIRES))
async def test_what_a_wire_does_loses_nothing(case: int, tmp_path: Path) -> None:
    name, play = WIRES[case]
    async with faulty(tmp_path, StandinLake(), seed=50 + case) as world:
        await world.start()
        await world.working()
        await asyncio.sleep(WARM)
        figures = await play(world)
        verdict = await world.settle()
        record(case, name, **figures, **oracle(verdict))
        assert verdict.good, world.trouble(str(verdict))
        _judge(case, figures)


def _judge(case: int, figures: Figures) -> None:
    """Hold the figures of a long form to what the case promises beside the oracle."""
    if case == 7:
        assert float(str(figures["back_to_clean_s"])) < 60
    if case == 8:
        assert int(str(figures["files_more"])) <= 2, figures  # fewer is no leak


async def test_requests_into_a_black_hole_end_and_leave_no_task_behind() -> None:
    with socket.create_server(("127.0.0.1", 0)) as upstream:
        async with Proxy(upstream.getsockname(), random.Random(8)) as proxy:
            proxy.fault = Fault(black_hole=True)
            tasks = len(asyncio.all_tasks())
            line = Line(table="posts", id="mastodon:1", version=1, month="2026.01", body=POST)
            lake = ElasticLake(proxy.url, prefix="hole", seconds=0.3)
            async with Http(total_seconds=0.3) as http:
                for _ in range(5):
                    with pytest.raises(Down):
                        await http.ask(proxy.url, Request(path="/"))
                    with pytest.raises(Unavailable):
                        await lake.write([line])
            await lake.close()
            await proxy.reset_all()
            await asyncio.sleep(0.1)
            assert len(asyncio.all_tasks()) == tasks


POST = (
    b'{"id":"mastodon:1","network":"mastodon","observed_at":"2026-01-01T00:00:00Z",'
    b'"native_id":"1","kind":"text","source":"mastodon","parser_version":1}'
)
