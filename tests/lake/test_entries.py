"""Lines as the body of a bulk request: both kernels the same, on good lines and on spoiled ones."""

import json
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from types import ModuleType
from typing import Any

import msgspec
import pytest

from fakes.observations import at, comment, follow, gap, poll, post, profile, rollup, snapshot, tag
from fakes.world import RECORDS as WORLD
from lake import _entries_c, _entries_py
from lake._entries_py import index_of
from lake._entries_shapes import shape
from lake.contract import Line
from lake.derived import engagement_ppm, engagements
from lake.entries import kernel_name
from lake.lines import line_of, record_of
from lake.records import RECORDS, Counts, Location, Media, Post, Record

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CSA = timezone(timedelta(hours=5, minutes=30))


@pytest.fixture(params=[_entries_py, _entries_c], ids=["python", "cython"])
def kernel(request: pytest.FixtureRequest) -> ModuleType:
    return request.param  # type: ignore[no-any-return]


def test_the_compiled_kernel_serves() -> None:
    assert kernel_name() == "c"


def full(**more: Any) -> Post:
    """Return a post that has every field."""
    fields: dict[str, Any] = {
        "code": "C1",
        "url": "https://x.example/p/1?a=b&c",
        "author_id": "instagram:u1",
        "author_handle": "ann",
        "author_followers": 1000,
        "text": 'Just "did" it\n\tin 東京 👟 \\o/ é',
        "lang": "en",
        "tags": ("nike", "süß"),
        "mentions": ("bob",),
        "links": ("https://example.com",),
        "media": (
            Media(kind="image", url="https://e.com/1", width=1, height=2, alt="a"),
            Media(kind="video", duration=12.5),
        ),
        "place": "Köln",
        "location": Location(lat=-52.5, lon=13),
        "created_at": at("2026-03-01T23:30:00.125"),
        "edited_at": datetime(2024, 2, 29, 1, 2, 3, 4, tzinfo=CSA),
        "reply_to": "instagram:2",
        "repost_of": "instagram:3",
        "likes": 10,
        "comments": 2,
        "shares": 0,
        "views": 100,
        "quotes": None,
        "raw": msgspec.Raw(
            b'{"a":[1,-2.5e+3,true,false,null,{"b":"\\u00e9\\ud83d\\udc5f\\n"}],"":0}'
        ),
    }
    return post("instagram:1", **fields | more)


GOOD: list[Record] = [
    *WORLD,
    full(),
    full(raw=None, likes=0, comments=None),
    full(author_followers=0),
    post("instagram:2"),
    profile("instagram:u", "u", verified=True, private=False),
    tag("instagram:nike", "nike"),
    comment("x:c", text="hello"),
    follow("x:1", "x:2"),
    snapshot("x:1", NOON, counts=Counts(likes=1), delta=Counts(likes=-1)),
    gap("x/tag/y", NOON, NOON + timedelta(hours=1)),
    poll("x/tag/y", NOON),
    rollup("c", "summary", body=msgspec.Raw(b'{"a":1}')),
]


def test_plain_lines_of_every_table_do_not_need_the_reference() -> None:
    lines = [line_of(record) for record in GOOD]
    assert {line.table for line in lines} == set(RECORDS)
    assert [line.id for line in lines if not _entries_c.is_plain(line)] == []


def test_an_entry_names_index_id_and_version(kernel: ModuleType) -> None:
    line = line_of(tag("mastodon:nike", "nike"))
    body, end, refused, indices = kernel.entries("lake", [line], 0)
    action, source, rest = body.split(b"\n")
    assert json.loads(action) == {
        "index": {
            "_index": "lake-tags-undated",
            "_id": "mastodon:nike",
            "version": 1772452800000,
            "version_type": "external_gte",
        }
    }
    assert (source, rest, end, refused) == (line.body, b"", 1, {})
    assert indices == {"lake-tags-undated"}


def test_a_body_keeps_the_order_of_its_lines_and_tells_refused_ones_by_place(
    kernel: ModuleType,
) -> None:
    bad = msgspec.structs.replace(line_of(post("x:9")), body=b"{nope")
    lines = [line_of(post("x:1")), bad, line_of(tag("x:2", "b")), bad, line_of(post("x:3"))]
    body, end, refused, indices = kernel.entries("lake", lines, 0)
    assert re.findall(rb'"_id":"(x:\d)"', body) == [b"x:1", b"x:2", b"x:3"]
    assert (list(refused), end) == ([1, 3], 5)
    assert indices == {"lake-posts-undated", "lake-tags-undated"}


def test_no_lines_are_an_empty_body(kernel: ModuleType) -> None:
    assert kernel.entries("lake", [], 0) == (b"", 0, {}, set())


def test_a_part_ends_behind_the_line_that_fills_it(kernel: ModuleType) -> None:
    lines = [line_of(post(f"x:{number}", text="x" * 9_000)) for number in range(20)]
    lines[9] = msgspec.structs.replace(lines[9], body=b"{nope")
    parts = [kernel.entries("lake", lines, start) for start in (0, 7, 15, 20)]
    assert [part.end for part in parts] == [7, 15, 20, 20]
    assert [list(part.refused) for part in parts] == [[], [9], [], []]
    whole = b"".join(part.body for part in parts)
    assert re.findall(rb'"_id":"x:(\d+)"', whole) == [b"%d" % n for n in range(20) if n != 9]


def test_a_line_may_be_larger_than_a_part(kernel: ModuleType) -> None:
    lines = [line_of(post("x:1", text="x" * 200_000)), line_of(post("x:2"))]
    assert [kernel.entries("lake", lines, start).end for start in (0, 1)] == [1, 2]


@pytest.mark.parametrize(
    ("counts", "followers", "derived"),
    [
        ({"likes": 10, "comments": 2}, 1000, {"engagements": 12, "engagement_ppm": 12_000}),
        ({"likes": 1, "comments": 1, "shares": 1}, 7, {"engagements": 3, "engagement_ppm": 428571}),
        ({"likes": 0}, 5, {"engagements": 0, "engagement_ppm": 0}),
        ({"shares": 3}, None, {"engagements": 3}),
        ({"shares": 3}, 0, {"engagements": 3}),
        ({"views": 9}, 10, {}),
        ({"likes": -5, "shares": 1}, 3, {"engagements": -4, "engagement_ppm": -1_333_334}),
        ({"likes": 10**15}, 1, {"engagements": 10**15, "engagement_ppm": 10**21}),
        ({"likes": 10**12 - 1}, 1, {"engagements": 10**12 - 1, "engagement_ppm": 10**18 - 10**6}),
    ],
)
def test_a_post_carries_its_derived_numbers(
    kernel: ModuleType, counts: dict[str, int], followers: int | None, derived: dict[str, int]
) -> None:
    line = line_of(post("x:1", author_followers=followers, **counts))
    source = json.loads(kernel.entries("lake", [line], 0).body.split(b"\n")[1])
    assert {name: source[name] for name in source if name.startswith("engagement")} == derived


@pytest.mark.parametrize(
    ("month", "index"),
    [
        ("2024.05", "lake-posts-2024.05"),
        ("undated", "lake-posts-undated"),
        ("1969.12", "lake-posts-undated"),
        ("9999.01", "lake-posts-undated"),
        ("2024.13", "lake-posts-undated"),
        ("20\u0662\u0664.05", "lake-posts-undated"),
        ("../x", "lake-posts-undated"),
    ],
)
def test_an_odd_month_makes_no_index_of_its_own(month: str, index: str) -> None:
    assert index_of("lake", "posts", month) == index


@pytest.mark.parametrize("id_", ["x" * 513, "é" * 257, "a\0b", "", "\ud800"])
def test_an_id_that_harms_a_whole_request_is_refused_here(kernel: ModuleType, id_: str) -> None:
    line = msgspec.structs.replace(line_of(tag("x:a", "a")), id=id_)
    body, _, refused, _ = kernel.entries("lake", [line], 0)
    assert (body, list(refused)) == (b"", [0])


@pytest.mark.parametrize("id_", ["x:é", 'x:"', "x:\\", "x:\x7f", "x:\t", "x:" + "y" * 510])
def test_an_odd_id_is_named_as_json_names_it(kernel: ModuleType, id_: str) -> None:
    action, source, _ = kernel.entries("lake", [line_of(tag(id_, "a"))], 0).body.split(b"\n")
    assert json.loads(action)["index"]["_id"] == json.loads(source)["id"] == id_


def test_what_a_network_wrote_becomes_no_action_of_ours(kernel: ModuleType) -> None:
    hostile = msgspec.Raw(b'{"a":[\n{"delete":{"_index":"lake-posts-2026.03","_id":"x:2"}}\n]}')
    body, _, refused, _ = kernel.entries("lake", [line_of(post("x:1", raw=hostile))], 0)
    assert (body.count(b"\n"), refused) == (2, {})
    assert json.loads(body.split(b"\n")[1])["raw"] == json.loads(bytes(hostile))


LINE = line_of(post("x:1"))


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (line_of(post("x:1", raw=msgspec.Raw(b'{"a":"\xff SECRET"}'))).body, "not JSON"),
        (b'{"id":"SECRET', "not JSON"),
        (LINE.body.replace(b"[]", b'"SECRET"', 1), "field $.tags"),
        (LINE.body.replace(b'"image"', b'"SECRET"'), "field $.kind"),
        (LINE.body.replace(b'"kind":', b'"SECRET":'), "Object missing required field `kind`"),
        (b'["SECRET"]', "Expected `object`, got `array`"),
    ],
)
def test_a_refused_line_is_told_where_and_not_what(
    kernel: ModuleType, body: bytes, why: str
) -> None:
    line = msgspec.structs.replace(LINE, body=body)
    assert kernel.entries("lake", [line], 0).refused == {
        0: f"the line is no record of posts: {why}"
    }


# The kernels agree


def same(lines: list[Line]) -> None:
    for line in lines:
        ours, theirs = _entries_c.entries("p", [line], 0), _entries_py.entries("p", [line], 0)
        assert ours == theirs, line


def changed(line: Line, change: Callable[[Any], object]) -> Line:
    """Return a line whose decoded document was changed."""
    document = json.loads(line.body)
    change(document)
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return msgspec.structs.replace(line, body=body.encode("utf-8", "surrogatepass"))


VALUES: list[object] = [
    *(None, True, False, 0, -1, 7, 1.5, -0.0, 1e300, 10**12, 10**18, 2**63, 2**64, 10**30, "", "x"),
    *("é", "\0", "\ud800", "2026-03-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-03-01", "image"),
    *([], {}, [1], ["a"], ["a", 1], [None], {"a": 1}, [{"kind": "image"}], [{"kind": "gif"}]),
    *({"lat": 1, "lon": 2}, {"lat": "1", "lon": 2}, {"likes": 3}, {"likes": "3"}, {"likes": 1.5}),
]
TIMES = [
    "2026-03-01T00:00:00Z", "2026-03-01T00:00:00z", "2026-03-01 00:00:00Z", "2026-03-01T00:00:00",
    "2026-03-01T00:00:00+00:00", "2026-03-01T00:00:00-23:59", "2026-03-01T00:00:00+24:00",
    "2026-03-01T00:00:00+0000", "2026-03-01T00:00:00.1Z", "2026-03-01T00:00:00.123456Z",
    "2026-03-01T00:00:00.1234567Z", "2026-03-01T00:00:00.Z", "2026-03-01T24:00:00Z",
    "2026-03-01T23:60:00Z", "2026-03-01T23:59:60Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
    "2026-04-31T00:00:00Z", "2026-04-30T00:00:00Z", "2026-12-31T00:00:00Z", "2024-02-29T00:00:00Z",
    "2026-02-29T00:00:00Z", "2026-02-28T00:00:00Z", "0001-01-01T00:00:00Z", "2026-03-00T00:00:00Z",
    "9999-12-31T23:59:59Z", "12026-03-01T00:00:00Z", "2026-3-01T00:00:00Z", "2026-03-01T00:00Z",
    "٢٠٢٦-03-01T00:00:00Z", "2026-03-01T00:00:00+01:60", "2026-03-01T00:00:00.+01:00",
]  # fmt: skip


@pytest.mark.parametrize("text", TIMES)
def test_kernels_agree_on_times(text: str) -> None:
    same([changed(line_of(full()), lambda document: document.update(created_at=text))])


NUMBERS = ["0", "-0", "00", "-", "+1", "1.", ".5", "1.5", "1e5", "1E+5", "1e", "1e+", "0.0", "0x1"]
NUMBERS += ["9" * size for size in (11, 12, 13, 17, 18, 19, 20, 40)] + ["1 ", " 1", "1\t", "1\n"]


@pytest.mark.parametrize("text", NUMBERS)
@pytest.mark.parametrize("place", ['"likes":10', '"lat":-52.5', '"author_followers":1000', '"":0'])
def test_kernels_agree_on_numbers(place: str, text: str) -> None:
    line = line_of(full())
    name = place.partition(":")[0]
    body = line.body.replace(place.encode(), f"{name}:{text}".encode())
    assert body != line.body or text == place.partition(":")[2]
    same([msgspec.structs.replace(line, body=body)])


@pytest.mark.parametrize("depth", range(17, 23))
@pytest.mark.parametrize("bracket", ["[]", "{}"])
def test_kernels_agree_on_depth(depth: int, bracket: str) -> None:
    inner = '{"a":' if bracket == "{}" else "["
    raw = msgspec.Raw((inner * depth + "1" + bracket[1] * depth).encode())
    same([line_of(full(raw=raw))])


@pytest.mark.parametrize("size", [32_000, 32_766, 32_767, 40_000])
@pytest.mark.parametrize("name", ["author_handle", "text"])
def test_kernels_agree_on_long_words(name: str, size: int) -> None:
    same([line_of(full(**{name: "x" * size}))])


def _put(name: str, value: object, document: Any) -> None:
    document[name] = value


def test_kernels_agree_on_odd_values_everywhere() -> None:
    spoiled = []
    for line in [line_of(record) for record in GOOD[-11:]]:
        for name in json.loads(line.body):
            spoiled += [changed(line, partial(_put, name, value)) for value in VALUES]
            spoiled.append(changed(line, lambda document, name=name: document.pop(name)))
    assert len(spoiled) > 3_000
    same(spoiled)


def test_kernels_agree_on_names() -> None:
    line = line_of(full())
    for old, new in {
        '"likes"': ['"Likes"', '"likes "', '"l\\u0069kes"', '"comments"', '"id"', '""', "likes"],
        '"text"': ['"texts"', '"t\\u0065xt"', '"id"', '"code"', '"raw"'],
        '"kind":"image","url"': ['"kind":"image","kind":"image","url"', '"kind":"gif","url"'],
    }.items():
        same(
            [
                msgspec.structs.replace(line, body=line.body.replace(old.encode(), each.encode()))
                for each in new
            ]
        )


PIECES = [
    *(b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b" ", b"\n", b"\t", b"\r", b"\0", b"\x1f"),
    *(b"0", b"9", b"-", b".", b"e", b"null", b"true", b"\\u0000", b"\\ud800", b"\\udc00", b"\\/"),
    *(b"\x7f", b"\x80", b"\xc3", b"\xc3\xa9", b"\xed\xa0\x80", b"\xf0\x9f\x91\x9f", b"\xff"),
    *(b"\xc0\x80", b"\xe0\x80\x80", b"\xf4\x90\x80\x80", b"\xf0\x80\x80\x80", b"\xe2\x80\xa8"),
]


def spoilt(rng: random.Random, line: Line) -> Line:
    """Return a line with some bytes cut out, put in, doubled or exchanged."""
    body = line.body
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        start = rng.randrange(len(body) + 1)
        end = min(len(body), start + rng.choice((0, 0, 1, 1, 2, 8)))
        piece = rng.choice([*PIECES, body[start : start + rng.randrange(40)], b""])
        body = body[:start] + piece + body[end:]
    return msgspec.structs.replace(line, body=body)


@pytest.mark.parametrize("seed", range(5))
def test_kernels_agree_on_spoilt_bytes(seed: int) -> None:
    rng = random.Random(seed)
    lines = [line_of(record) for record in GOOD]
    same([spoilt(rng, rng.choice(lines)) for _ in range(3_000)])


@pytest.mark.parametrize(
    "change",
    [
        {"table": "nothing"},
        {"table": "tags"},
        {"month": "x"},
        {"version": 0},
        {"version": -1},
        {"version": 2**62},
        {"version": 2**63 - 1},
        {"version": 2**63},
        {"version": 10**30},
        {"id": "instagram:2"},
        {"body": b""},
        {"body": b" "},
        {"body": b"[]"},
        {"body": b"null"},
        {"body": line_of(full()).body + b"\n"},
        {"body": line_of(full()).body + b" \t\r\n"},
        {"body": b" " + line_of(full()).body},
        {"body": b"\xef\xbb\xbf" + line_of(full()).body},
        {"body": line_of(full()).body * 2},
    ],
)
def test_kernels_agree_on_odd_lines(change: dict[str, Any]) -> None:
    same([msgspec.structs.replace(line_of(full()), **change)])


def test_what_the_kernel_takes_derives_what_the_records_derive() -> None:
    rng = random.Random(3)
    for _ in range(500):
        draw = [rng.choice((None, 0, 1, rng.randrange(10 ** rng.randrange(1, 13)))) for _ in "1234"]
        names = ("likes", "comments", "shares", "author_followers")
        line = line_of(full(**dict(zip(names, draw, strict=True))))
        record = record_of("posts", line.body)
        assert isinstance(record, Post)
        source = json.loads(_entries_c.entries("p", [line], 0).body.split(b"\n")[1])
        assert source.get("engagements") == engagements(record)
        assert source.get("engagement_ppm") == engagement_ppm(record)


def test_shapes_know_every_field_of_every_record() -> None:
    for kind in RECORDS.values():
        assert [each.name.decode() for each in shape(kind)] == list(kind.__struct_fields__)


def test_a_field_of_an_unknown_type_is_told_when_the_kernel_loads() -> None:
    odd = msgspec.defstruct("Odd", [("field", complex)])
    with pytest.raises(KeyError):
        shape(odd)
