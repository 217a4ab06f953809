"""The lines that docs/analysts.md shows give the right numbers, before and after a compaction."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fakes.world import POSTS, RECORDS
from lake.files import FilesLake
from lake.records import PostCounts

DOCUMENT = Path(__file__).parents[2] / "docs" / "analysts.md"
LINES = re.findall(r"## (\w+)\n\n```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.S)


@pytest.fixture
async def lake(tmp_path: Path) -> AsyncIterator[FilesLake]:
    """A lake in which one post was seen three times, the newest first."""
    lake = FilesLake(tmp_path / "lake")
    await lake.append(RECORDS)
    for days, likes in ((2, 99), (1, 50)):
        seen = POSTS[0].observed_at + timedelta(days=days)
        counts = PostCounts(likes=likes)
        await lake.append([msgspec.structs.replace(POSTS[0], observed_at=seen, counts=counts)])
    yield lake
    await lake.close()


def sum_of_likes(posts: Any) -> tuple[int, int]:
    if hasattr(posts, "to_arrow_table"):
        posts = posts.to_arrow_table().to_pandas()
    return len(posts), int(posts["likes"].sum())


def run(lines: str, folder: Path) -> tuple[int, int]:
    names: dict[str, Any] = {"lake": str(folder)}
    exec("from deltalake import DeltaTable\n" + lines, names)
    return sum_of_likes(names["posts"])


def test_each_tool_has_three_lines() -> None:
    assert [name for name, _ in LINES] == ["pandas", "Polars", "DuckDB"]
    assert [len(lines.splitlines()) for _, lines in LINES] == [3, 3, 3]


@pytest.mark.parametrize("lines", [lines for _, lines in LINES], ids=[name for name, _ in LINES])
async def test_the_lines_give_the_newest_posts(lake: FilesLake, tmp_path: Path, lines: str) -> None:
    assert run(lines, tmp_path / "lake") == (9, 55 - 10 + 99)
    await lake.compact()
    assert run(lines, tmp_path / "lake") == (9, 55 - 10 + 99)
