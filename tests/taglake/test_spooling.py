"""The spool from the command line."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from fakes.terminal import Run
from ingestor.clock import SystemClock
from ingestor.spool import Spool
from ingestor.spool_file import Append
from lake.contract import Line

SPOOL = Path(".taglake/spool.db")
LINE = Line(table="posts", id="a:1", version=1, month="2026.01", body=b"{}")


async def _filled() -> None:
    spool = Spool(SPOOL, clock=SystemClock())
    await spool.open()
    for _ in range(2):
        await spool.append(Append(lines=(LINE,)))
    await spool.close()


def test_a_damaged_page_is_told_and_dropped_by_repair(home: Path, run: Run) -> None:
    asyncio.run(_filled())
    with closing(sqlite3.connect(SPOOL)) as db:
        db.execute("UPDATE spool SET crc = 0 WHERE seq = (SELECT min(seq) FROM spool)")
        db.commit()
    checked = run("spool", "check")
    assert (checked.code, "spool repair" in checked.err) == (5, True)
    assert run("spool", "repair").out == "1 damaged pages dropped\n"
    assert run("spool", "check").code == 0


def test_a_spool_that_an_ingestor_has_is_not_repaired(home: Path, run: Run) -> None:
    async def held() -> tuple[int, str]:
        spool = Spool(SPOOL, clock=SystemClock())
        await spool.open()
        try:
            ended = await asyncio.to_thread(run, "spool", "repair")
        finally:
            await spool.close()
        return ended.code, ended.err

    code, said = asyncio.run(held())
    assert (code, "stop the ingestor first" in said) == (2, True)
