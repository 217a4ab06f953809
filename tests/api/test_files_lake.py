"""The service on the embedded lake: answers equal to those of a lake in plain memory."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from fakes import busy_world
from lake.files import FilesLake

Serve = Callable[..., httpx.AsyncClient]


@pytest.fixture
async def files_lake(tmp_path: Path) -> AsyncIterator[FilesLake]:
    lake = FilesLake(tmp_path / "lake")
    await lake.open()
    await lake.append(busy_world.world())
    yield lake
    await lake.close()


def without_estimates(report: Any) -> Any:
    """Return a summary without what an engine may estimate, its distinct counts."""
    report["kpis"].pop("publishers")
    return report


async def test_both_lakes_give_one_report(
    serve: Serve, campaign: str, files_lake: FilesLake
) -> None:
    on_files, in_memory = serve(lake=files_lake), serve()
    for name in ("share-of-voice", "before-during-after", "quality", "hashtags", "timeseries"):
        path = f"/v1/campaigns/{campaign}/{name}"
        assert (await on_files.get(path)).json() == (await in_memory.get(path)).json(), name
    summaries = [
        without_estimates((await one.get(f"/v1/campaigns/{campaign}/summary")).json())
        for one in (on_files, in_memory)
    ]
    assert summaries[0] == summaries[1]


async def test_cursors_and_filters_hold_on_files(
    serve: Serve, campaign: str, files_lake: FilesLake
) -> None:
    api = serve(lake=files_lake)
    base = f"/v1/campaigns/{campaign}/posts?limit=150&words=running"
    first = (await api.get(base)).json()
    assert all("running" in (post["text"] or "running") for post in first["posts"])
    bad = await api.get(f"{base}&cursor=garbage")
    assert bad.status_code == 422
    assert bad.json()["errors"][0]["field"] == "cursor"
    export = await api.get(f"/v1/campaigns/{campaign}/export?format=jsonl&period=during")
    assert len(export.content.splitlines()) == 225
