import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ingestor.timetable import Timetable


def made(dues: dict[int, int]) -> Timetable:
    """A timetable of slots with their dues, which may change afterwards."""
    return Timetable(lambda slots: np.array([dues.get(slot, -1) for slot in slots.tolist()]))


def popped(table: Timetable, now: int) -> list[int]:
    found = []
    while (slot := table.pop(now)) is not None:
        found.append(slot)
    return found


def test_slots_come_when_they_are_due_the_earliest_first() -> None:
    dues = {1: 90_000, 2: 5, 3: 130, 4: 20_000}
    table = made(dues)
    for slot, due in dues.items():
        table.add(slot, due)
    assert popped(table, 4) == []
    assert popped(table, 129) == [2]
    assert popped(table, 100_000) == [3, 4, 1]
    assert table.next_at() is None


def test_a_slot_that_was_moved_is_not_handed_over_twice_or_early() -> None:
    dues = {1: 50_000}
    table = made(dues)
    table.add(1, 50_000)
    dues[1] = 90_000
    table.add(1, 90_000)
    assert popped(table, 60_000) == []
    assert popped(table, 90_000) == [1]


@given(st.lists(st.tuples(st.integers(0, 200_000), st.integers(1, 40_000)), max_size=60))
def test_nothing_is_lost_and_nothing_comes_early(steps: list[tuple[int, int]]) -> None:
    dues: dict[int, int] = {}
    table, now = made(dues), 0
    for slot, (ahead, pause) in enumerate(steps):
        dues[slot] = now + ahead
        table.add(slot, now + ahead)
        now += pause
        next_at = table.next_at()
        assert next_at is None or next_at <= min(dues.values(), default=now)
        for found in popped(table, now):
            assert dues.pop(found) <= now
        assert all(due > now for due in dues.values())
