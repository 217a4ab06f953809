from hypothesis import given
from hypothesis import strategies as st

from simnet.budgets import DAY, Slots, Window


def test_window_refuses_exactly_at_limit_plus_one() -> None:
    window = Window(200, 3600)
    assert [window.grant(at) for at in range(200)] == [True] * 200
    assert not window.grant(3_599_999)


def test_window_slides_request_by_request() -> None:
    window = Window(2, 10)
    assert window.grant(0)
    assert window.grant(4_000)
    assert not window.grant(9_999)
    assert window.grant(10_000)
    assert not window.grant(13_999)
    assert window.grant(14_000)


def test_window_tells_when_the_oldest_request_leaves() -> None:
    window = Window(2, 10)
    window.grant(1_000)
    window.grant(5_000)
    assert window.reset(6_000) == 11_000
    assert window.used(11_000) == 1


@given(st.lists(st.integers(0, 400), min_size=1, max_size=200), st.integers(1, 7))
def test_no_stretch_of_a_window_holds_more_than_the_limit(gaps: list[int], limit: int) -> None:
    window, now, granted = Window(limit, 1.0), 0, []
    for gap in gaps:
        now += gap
        if window.grant(now):
            granted.append(now)
    for first in granted:
        assert sum(first <= stamp < first + 1_000 for stamp in granted) <= limit


def test_slots_refuse_the_thirty_first_hashtag() -> None:
    slots = Slots(30, 7 * DAY)
    assert all(slots.grant(f"tag{at}", at) for at in range(30))
    assert not slots.grant("tag30", 31)


def test_asking_again_takes_no_slot_and_resets_no_timer() -> None:
    slots, week = Slots(1, 7 * DAY), int(7 * DAY * 1_000)
    assert slots.grant("nike", 0)
    assert slots.grant("nike", week - 1)
    assert not slots.grant("adidas", week - 1)
    assert slots.grant("adidas", week)
