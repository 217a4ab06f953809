"""Exports: the same posts in three formats, harmless to a spreadsheet, bounded in number."""

import csv
import io
from collections.abc import Callable

import httpx
import msgspec
import pyarrow.parquet as pq
import pytest

from api.exports import public
from fakes import busy_world
from lake.records import Post

Serve = Callable[..., httpx.AsyncClient]


def a_post(**changes: object) -> Post:
    post = next(one for one in busy_world.world() if isinstance(one, Post))
    return msgspec.structs.replace(post, **changes)


def read_csv(body: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"))))


async def test_all_formats_hold_the_posts_the_report_counts(
    api: httpx.AsyncClient, campaign: str
) -> None:
    base = f"/v1/campaigns/{campaign}/export?period=during&format="
    table = read_csv((await api.get(f"{base}csv")).content)
    lines = (await api.get(f"{base}jsonl")).content.splitlines()
    parquet = pq.read_table(io.BytesIO((await api.get(f"{base}parquet")).content))
    posts = [msgspec.json.decode(line, type=Post) for line in lines]
    summary = (await api.get(f"/v1/campaigns/{campaign}/summary")).json()["kpis"]
    assert len(table) == len(posts) == parquet.num_rows == summary["posts"]["value"]
    likes = summary["likes"]["value"]
    assert sum(int(row["likes"]) for row in table if row["likes"]) == likes
    assert sum(post.counts.likes or 0 for post in posts) == likes
    assert sum(value or 0 for value in parquet["likes"].to_pylist()) == likes
    assert parquet.schema.metadata[b"taglake.schema_version"] == b"1"


@pytest.mark.parametrize(
    ("form", "media_type"),
    [
        ("csv", "text/csv; charset=utf-8"),
        ("jsonl", "application/x-ndjson"),
        ("parquet", "application/vnd.apache.parquet"),
    ],
)
async def test_an_export_is_a_file_with_a_name(
    api: httpx.AsyncClient, campaign: str, form: str, media_type: str
) -> None:
    answer = await api.get(f"/v1/campaigns/{campaign}/export?format={form}&network=bluesky")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == media_type
    expected = f'attachment; filename="{campaign}.{form}"'
    assert answer.headers["content-disposition"] == expected


def test_what_was_deleted_keeps_its_counts_and_loses_its_words() -> None:
    gone = public(a_post(deleted_at=busy_world.NOW))
    assert (gone.text, gone.media) == (None, ())
    assert gone.counts == a_post().counts


async def test_only_so_many_exports_run_at_once(serve: Serve, campaign: str) -> None:
    api = serve(exports_at_once=1)
    services = api._transport.app.state.services
    async with services.exports:
        refused = await api.get(f"/v1/campaigns/{campaign}/export")
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "30"
    assert (await api.get(f"/v1/campaigns/{campaign}/export")).status_code == 200


async def test_a_deleted_post_is_exported_without_its_words(
    api: httpx.AsyncClient, campaign: str
) -> None:
    table = read_csv((await api.get(f"/v1/campaigns/{campaign}/export?format=csv")).content)
    gone = [row for row in table if row["deleted_at"]]
    assert gone
    assert {row["text"] for row in gone} == {""}
