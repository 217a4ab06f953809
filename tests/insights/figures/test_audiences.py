"""The figures of audiences: what is drawn, in words and numbers; hostile names stay data."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from insights.audiences.campaign import CampaignOverlap
from insights.audiences.communities import Community, CommunityMap, Place
from insights.audiences.estimates import Interval
from insights.audiences.named import Listed
from insights.audiences.reach import Member, Overlap, Overlaps, Reached
from insights.figures.audiences import community_map, overlap
from insights.figures.style import PALETTES, Spec, to_png, to_svg
from insights.periods import Header, Period

NOW = datetime(2026, 3, 30, tzinfo=UTC)
HOSTILE = ("<script>alert(1)</script>", "\"'); alert(1) //", "\u202e\u05e2\u05d3\u05d4")
Shares = Sequence[Sequence[float | None]]


def day(number: int) -> datetime:
    return datetime(2026, 3, number, tzinfo=UTC)


HEADER = Header(
    campaign_id="c", name="Spring", revision=1, networks=("mastodon",), timezone="UTC",
    instant=NOW, as_of=None, sides=(),
    periods=tuple(
        Period(name=name, since=day(since), until=day(until), days=7.0, planned_days=7.0)
        for name, since, until in (("baseline", 2, 9), ("during", 9, 16), ("after", 16, 23))
    ),
)  # fmt: skip


def listed(handle: str, network: str = "mastodon") -> Listed:
    return Listed(
        id=f"{network}:{handle}", network=network, handle=handle, name=None, followers=100,
        stated=100, complete=True, read_at=NOW,
    )  # fmt: skip


def part(handles: Sequence[str], shares: Shares, network: str = "mastodon", **low: Any) -> Overlap:
    """Return the overlap of some accounts; counted, or with `low` below each share."""
    whole = tuple(tuple(row) for row in shares)
    people = Interval(value=200, low=200, high=200)
    return Overlap(
        reach=Reached(
            network=network, accounts=len(handles), followers_sum=300, people=people,
            frequency=None, follow_percent=(), counted=not low,
        ),
        members=tuple(
            Member(account=listed(handle, network), exclusive_percent=None) for handle in handles
        ),
        overlap_percent=whole,
        low_percent=low.get("low_percent", whole),
        high_percent=whole,
    )  # fmt: skip


def report(*parts: Overlap, note: str = "") -> CampaignOverlap:
    found = Overlaps(people=None, networks=parts, unknown=())
    return CampaignOverlap(
        header=HEADER, side="nike", period="during", top=20, publishers=9, overlaps=found, note=note
    )


PAIRS: Shares = [[100, 1.5, 40], [1.5, 100, 0.2], [40, 0.2, 100]]


def values(spec: Spec, field: str) -> list[dict[str, Any]]:
    """Return the rows of the first data of a figure that have a field."""
    for rows in data(spec):
        if rows and field in rows[0]:
            return rows
    raise AssertionError(field)


def data(spec: Any) -> Iterator[list[dict[str, Any]]]:
    """Return all data of a figure."""
    if isinstance(spec, dict):
        if isinstance(spec.get("values"), list):
            yield spec["values"]
        yield from (rows for part in spec.values() for rows in data(part))
        yield from (rows for rows in spec.get("datasets", {}).values())
    elif isinstance(spec, list):
        yield from (rows for part in spec for rows in data(part))


def renders(spec: Spec) -> str:
    """Return the figure as SVG after it was a PNG too."""
    assert to_png(spec, scale=1).startswith(b"\x89PNG")
    svg = to_svg(spec)
    assert "NaN" not in svg
    assert "undefined" not in svg
    return svg


def test_accounts_that_share_much_stand_together_and_bear_numbers() -> None:
    spec = overlap(report(part(["ann@a.example", "bob@a.example", "cid@b.example"], PAIRS)))
    cells = values(spec, "overlap")
    assert [(one["line"], one["column"], one["text"]) for one in cells if one["below"]] == [
        ("2 ann", 0, "40"),
        ("3 bob", 0, ""),
        ("3 bob", 1, "2"),
    ]
    assert [(one["text"], one["account"]) for one in values(spec, "account")] == [
        ("1", "cid@b.example"),
        ("2", "ann@a.example"),
        ("3", "bob@a.example"),
    ]


def test_networks_stand_one_above_the_other_and_no_cell_joins_them() -> None:
    bluesky = part(["ann.example", "dee.example"], [[100, 3], [3, 100]], "bluesky")
    spec = overlap(report(bluesky, part(["ann", "bob"], [[100, 8], [8, 100]])))
    lines = ["bluesky", "1 ann", "2 dee", "mastodon", "3 ann", "4 bob"]
    assert spec["layer"][0]["encoding"]["y"]["scale"]["domain"] == lines
    assert {(one["line"], one["column"]) for one in values(spec, "overlap")} == {
        ("1 ann", 1), ("2 dee", 0), ("3 ann", 1), ("4 bob", 0),
    }  # fmt: skip


def test_the_darkest_shade_is_near_what_is_shared_most() -> None:
    spec = overlap(report(part(["ann", "bob", "cid"], PAIRS)))
    assert spec["layer"][0]["encoding"]["color"]["scale"]["domain"] == [0, 50]


def test_counted_and_estimated_are_told_apart_in_the_hint() -> None:
    low = ((100.0, 5.0), (5.0, 100.0))
    estimated = part(["ann", "bob"], [[100, 8], [8, 100]], low_percent=low)
    counted = part(["ann", "bob"], [[100, 8], [8, 100]])
    assert {one["range"] for one in values(overlap(report(estimated)), "range")} == {"5 to 8 %"}
    assert {one["range"] for one in values(overlap(report(counted)), "range")} == {"counted"}


def test_a_pair_without_followers_has_no_cell() -> None:
    spec = overlap(
        report(part(["ann", "bob", "cid"], [[100, None, 4], [None, None, None], [4, None, 100]]))
    )
    assert len(values(spec, "overlap")) == 2


def test_the_matrix_is_told_in_words_with_the_days_of_its_publishers() -> None:
    spec = overlap(report(part(["ann", "bob", "cid"], PAIRS)))
    assert spec["description"] == (
        "Overlap of the audiences of 3 publishers. Most shared: "
        "ann and cid 40 %; bob and ann 1.5 %; bob and cid 0.2 %."
    )
    assert "publishers of 9 Mar to 15 Mar 2026 (UTC)" in spec["title"]["subtitle"]


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (report(note="no list of followers is known"), "no list of followers is known"),
        (report(part(["ann"], [[100]])), "no two publishers of one network"),
    ],
)
def test_an_overlap_of_nobody_says_why(found: CampaignOverlap, why: str) -> None:
    spec = overlap(found)
    assert why in spec["title"]["subtitle"]
    assert why in spec["description"]
    assert why in renders(spec)


@pytest.mark.parametrize(("theme", "width"), [("light", 300), ("dark", "container")])
def test_twenty_accounts_are_drawn_at_every_width(theme: Any, width: Any) -> None:
    handles = [f"account{number}@a.example" for number in range(20)]
    shares = [[100 if a == b else abs(a - b) for a in range(20)] for b in range(20)]
    spec = overlap(report(part(handles, shares)), theme=theme, width=width)
    assert spec["config"]["background"] == PALETTES[theme].background
    assert spec["width"] == width
    renders(spec)


def community(number: int, *terms: str) -> Community:
    return Community(
        number=number, terms=terms, accounts=2, followers_sum=200, conductance=0.1, members=()
    )


def mapped(
    groups: Sequence[int], handles: Sequence[str] = (), *, meaningful: bool = True
) -> CommunityMap:
    """Return a map with an account for each number of a community; -1 for none."""
    names = handles or [f"account{number}@a.example" for number in range(len(groups))]
    found = sorted(set(groups) - {-1})
    return CommunityMap(
        network="mastodon", computed_at=NOW, accounts=len(groups), pairs=1, modularity=0.5,
        stability=1.0, meaningful=meaningful, alone=list(groups).count(-1),
        communities=tuple(community(number, f"topic{number}", "running") for number in found),
        map=tuple(
            Place(
                id=f"mastodon:{name}", handle=name, community=group, followers=1_000 - place,
                x=round(0.9 - 0.2 * place % 1.8, 4), y=round(0.11 * place % 1.8 - 0.9, 4),
            )
            for place, (name, group) in enumerate(zip(names, groups, strict=True))
        ),
        links=((0, 1),) if len(groups) > 1 else (),
    )  # fmt: skip


def legend(spec: Spec) -> tuple[list[str], list[str], list[str]]:
    """Return the names, colours and shapes of a map's legend."""
    [dots] = [layer for layer in spec["layer"] if "shape" in layer["encoding"]]
    colour, shape = (dots["encoding"][channel]["scale"] for channel in ("color", "shape"))
    return colour["domain"], colour["range"], shape["range"]


def test_each_community_has_its_own_colour_and_shape() -> None:
    names, colours, shapes = legend(community_map(mapped([*range(18), *range(18)])))
    assert names[:2] == ["1 topic0, running", "2 topic1, running"]
    assert len(set(zip(colours, shapes, strict=True))) == 18
    assert (colours[0], shapes[0]) == (PALETTES["light"].sides[0], "circle")
    assert (colours[6], shapes[6]) == (PALETTES["light"].sides[0], "square")


def test_what_comes_after_eighteen_communities_is_one_kind() -> None:
    names, _, _ = legend(community_map(mapped([*range(20), -1])))
    assert names[17:] == ["18 topic17, running", "smaller ones", "no similar audience found"]


def test_groups_no_better_than_chance_are_not_told_apart() -> None:
    spec = community_map(mapped([0, 0, 1, 1, -1], meaningful=False))
    names, colours, _ = legend(spec)
    assert names == ["has similar audiences", "no similar audience found"]
    assert len(set(colours)) == 2
    assert spec["title"]["text"] == "Shared audiences on mastodon"
    assert "no better than chance" in spec["title"]["subtitle"]
    assert "no better than chance" in spec["description"]
    assert "topic0" not in json.dumps(spec)


def test_a_dot_knows_its_account_and_the_whole_handle() -> None:
    long = "a_handle_that_is_longer_than_a_label@a.example"
    spec = community_map(mapped([0, 0], [long, "bob@a.example"]))
    dots = values(spec, "followers")
    assert dots[0]["id"] == f"mastodon:{long}"
    assert dots[0]["account"] == long
    assert {one["text"] for one in values(spec, "least")} == {
        "a_handle_that_is_lo…", "bob", "1 topic0, running",
    }  # fmt: skip


def test_names_for_each_width_are_there_once() -> None:
    names = values(community_map(mapped([0, 0, 1, 1])), "least")
    for width in (300, 500, 720, 1200):
        fitting = [one["text"] for one in names if one["least"] <= width < one["below"]]
        assert len(fitting) == len(set(fitting)) > 0


def test_the_map_is_told_in_words() -> None:
    spec = community_map(mapped([0, 0, 1, 1]))
    assert spec["description"] == "1 topic0, running: 2 accounts; 2 topic1, running: 2 accounts"
    assert spec["title"]["subtitle"] == (
        "4 accounts whose followers are known; modularity 0.50, stability 1.00; size: followers"
    )


@pytest.mark.parametrize("groups", [[], [-1], [0, 0], [0] * 3 + [-1] * 57, [*range(15)] * 13])
@pytest.mark.parametrize("meaningful", [True, False])
def test_maps_of_nobody_and_of_many_are_drawn(groups: list[int], meaningful: bool) -> None:
    spec = community_map(mapped(groups, meaningful=meaningful), width=300)
    assert len(spec["description"]) > 20
    renders(spec)


def test_unknown_stability_is_said_to_be_unknown() -> None:
    found = msgspec.structs.replace(mapped([0, 0]), stability=None)
    assert "stability unknown" in community_map(found)["title"]["subtitle"]


def expressions(spec: Any) -> Iterator[str]:
    """Return all that a figure calculates."""
    if isinstance(spec, dict):
        for name, one in spec.items():
            if name in ("expr", "filter", "test", "calculate", "labelExpr"):
                yield str(one)
            yield from expressions(one)
    elif isinstance(spec, list):
        for one in spec:
            yield from expressions(one)


def test_hostile_handles_are_data_and_text() -> None:
    shares = [[100, 5, 7], [5, 100, 9], [7, 9, 100]]
    for spec in (overlap(report(part(HOSTILE, shares))), community_map(mapped([0, 0, 0], HOSTILE))):
        assert not any("alert" in one or "script" in one for one in expressions(spec))
        assert HOSTILE[2][1:] in {one["account"] for one in values(spec, "account")}
        svg = renders(spec)
        assert "<script" not in svg
        assert "&lt;script" in svg


def test_hostile_terms_are_data_and_text() -> None:
    found = mapped([0, 0])
    hostile = (community(0, *HOSTILE),)
    spec = community_map(msgspec.structs.replace(found, communities=hostile))
    assert legend(spec)[0] == ["1 <script>alert(1)</script>, \"'); alert(1) //, \u05e2\u05d3\u05d4"]
    assert not any("alert" in one for one in expressions(spec))
    assert "<script" not in renders(spec)
