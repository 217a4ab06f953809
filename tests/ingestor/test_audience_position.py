"""Where the reading of a list stands: no crash and no change of server makes its numbers wrong."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestor.audience_position import DAY, AudiencePosition, decoded
from ingestor.contract import Page, Target
from ingestor.errors import BadAnswer, BadRequest
from ingestor.sources.mastodon import Mastodon
from lake.lines import instant_of
from lake.records import Follow, Profile, ProfileCounts

NOW = 1_767_225_600_000
SERVER = "https://one.example"
TARGET = Target(network="mastodon", kind="followers", name="nike@one.example")
STAMP = {
    "network": "mastodon",
    "observed_at": datetime(2026, 1, 1, tzinfo=UTC),
    "source": "mastodon",
    "parser_version": 1,
}


def page(
    *names: str, stated: int | None = None, cursor: str | None = None, account: str = "nike"
) -> Page:
    """Return a page of followers; with a stated count it is a first one."""
    follows = tuple(
        Follow(id=f"mastodon:{one}>{account}", account_id=f"mastodon:{account}",
               follower_id=f"mastodon:{one}", **STAMP)
        for one in names
    )  # fmt: skip
    own = Profile(id=f"mastodon:{account}", native_id="1", handle=account,
                  counts=ProfileCounts(followers=stated), **STAMP)  # fmt: skip
    return Page(follows=follows, profiles=(own,) if stated is not None else (), cursor=cursor)


def begun(position: AudiencePosition | None = None, now: int = NOW) -> AudiencePosition:
    return (position or AudiencePosition()).begun(now, through=SERVER)


def test_a_list_of_two_pages_is_whole() -> None:
    first = begun().turned(page("a", "b", stated=3, cursor="x"), NOW)
    assert (first.resume, first.reason, first.ended, first.left) == ("x", "reading", 0, 1)
    last = first.begun(NOW + 5, through=SERVER).turned(page("c"), NOW + 5)
    assert (last.resume, last.reason, last.seen, last.pages) == (None, None, 3, 2)
    assert (last.whole_from, last.ended) == (NOW, NOW + 5)


def test_another_server_has_other_cursors_so_its_reading_begins_anew() -> None:
    first = begun().turned(page("a", "b", stated=3, cursor="x"), NOW)
    moved = first.begun(NOW + 5, through="https://two.example")
    assert (moved.resume, moved.started, moved.seen, moved.pages) == (None, NOW + 5, 0, 0)


def test_a_later_reading_that_breaks_off_keeps_the_whole_one() -> None:
    whole = begun().turned(page("a", stated=1), NOW)
    again = begun(whole, NOW + DAY).turned(page("a", "b", stated=4, cursor="x"), NOW + DAY)
    for broken in (again, again.refused(NOW + 2 * DAY), again.gone(NOW + 2 * DAY)):
        assert broken.whole_from == NOW


def test_another_account_under_the_handle_has_an_audience_of_its_own() -> None:
    whole = begun().turned(page("a", stated=1), NOW)
    other = begun(whole, NOW + DAY).turned(
        page("z", stated=9, cursor="x", account="thief"), NOW + DAY
    )
    assert (other.account, other.whole_from, other.reason) == ("mastodon:thief", 0, "reading")


def test_another_account_in_the_middle_of_a_list_is_a_bad_request() -> None:
    first = begun().turned(page("a", stated=9, cursor="x"), NOW)
    with pytest.raises(BadRequest):
        first.turned(page("z", cursor="y", account="thief"), NOW + 1)


def test_an_empty_page_that_names_nobody_is_a_bad_answer() -> None:
    with pytest.raises(BadAnswer):
        begun().turned(Page(), NOW)


def test_a_page_again_and_again_ends_the_list() -> None:
    first = begun().turned(page("a", stated=9, cursor="x"), NOW)
    assert first.turned(page("b", cursor="x"), NOW + 1).reason == "endless"


def test_pages_of_one_instant_are_later_one_than_the_other() -> None:
    first = begun().turned(page("a", stated=3, cursor="x"), NOW)
    second = first.turned(page("b", cursor="y"), NOW)
    assert (first.polled, second.polled) == (NOW, NOW + 1)


@pytest.mark.parametrize(
    ("every_days", "due"), [(None, None), (1, NOW + DAY), (30, NOW + 30 * DAY)]
)
def test_a_list_rests_from_the_start_of_one_reading_to_the_next(
    every_days: int | None, due: int | None
) -> None:
    assert begun().turned(page("a", stated=1), NOW).due(every_days) == due


def test_a_list_that_was_not_read_or_is_being_read_is_due_now() -> None:
    assert AudiencePosition().due(None) == 0
    reading = begun().turned(page("a", stated=3, cursor="x"), NOW)
    assert (reading.due(None), reading.refused(NOW + 1).due(None)) == (0, 0)


def test_a_reading_longer_than_its_rhythm_begins_again_only_after_its_end() -> None:
    first = begun().turned(page("a", stated=2, cursor="x"), NOW)
    last = first.turned(page("b"), NOW + 3 * DAY)
    assert last.due(1) == NOW + 3 * DAY


@given(
    st.lists(st.integers(0, 7), min_size=1, max_size=30),
    st.data(),
)
def test_a_reading_may_be_dropped_and_taken_up_anywhere(
    sizes: list[int], data: st.DataObject
) -> None:
    """Whatever is lost after the last durable page is read again, and counted once."""
    sizes = [size for size in sizes if size] + [0]
    total, kept, now = sum(sizes), begun(), NOW
    asked = 0
    while not kept.ended:
        asked += 1
        now += 60_000
        position = decoded(kept.encoded()).begun(now, through=SERVER)
        at = int(position.resume or 0)
        shown = page(
            *(f"{at}-{number}" for number in range(sizes[at])),
            stated=total if at == 0 else None,
            cursor=str(at + 1) if sizes[at] else None,
        )
        after = position.turned(shown, now)
        if data.draw(st.booleans()) or asked > 100:
            kept = after  # else the process died before the page was durable
    found = kept.audience(TARGET, Mastodon())
    assert (found.seen, found.pages, found.complete) == (total, len(sizes), True)
    assert found.whole_from == found.started_at == instant_of(kept.started)
