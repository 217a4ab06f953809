"""Case 24: the spool against a list, whatever is done to it and in whatever order."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from fakes.village import START
from faults.figures import record
from faults.forms import form
from ingestor import spool_log
from ingestor.clock import SteppedClock
from ingestor.spool import Spool
from ingestor.spool_file import Append, Full, SpoolFile
from lake.contract import Line, Verdict

CAP = 1 << 19
EXAMPLES, STEPS = form(15, 420), 25
Outcome = Literal["stored", "stale", "poison", "retry", "parked"]
FINAL: tuple[Outcome, ...] = ("stored", "stale", "poison")
WAITING: tuple[Outcome, ...] = ("retry", "parked")


class Page(msgspec.Struct):
    """One page of the list: its lines, and which have a final verdict since the last start."""

    lines: dict[str, Line]
    final: set[str] = set()
    poison: set[str] = set()


class SpoolModel(RuleBasedStateMachine):
    """A spool, and beside it what a list would hold."""

    counts: dict[str, int]

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp())
        self.path = self.folder / "s.db"
        self.clock = SteppedClock(START)
        self.spool = self.opened()
        self.pages: list[Page] = []
        self.flying: dict[int, str] = {}  # number of a line to its id
        self.resting: set[str] = set()  # lines that wait for their time
        self.dead: dict[str, Line] = {}
        self.position: bytes | None = None
        self.seen: dict[str, bytes] = {}
        self.next = 0

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        self.counts["steps"] += 1
        return self.loop.run_until_complete(asyncio.wait_for(work, 30))

    def opened(self) -> Spool:
        spool = Spool(self.path, clock=self.clock, cap_bytes=CAP)
        self.run(spool.open())
        return spool

    def made(self, lines: int, size: int) -> Append:
        ids = [f"mastodon:{self.next + number}" for number in range(lines)]
        self.next += lines
        body = (f'{{"n":{self.next}}}'.encode() * size)[:size]
        return Append(
            lines=tuple(
                Line(table="posts", id=key, version=1, month="2026.01", body=body) for key in ids
            ),
            target="t",
            position=b"%d" % self.next,
            seen=((f"s{self.next % 7}", b"%d" % self.next),),
        )

    @rule(
        count=st.integers(1, 3), lines=st.integers(1, 4), size=st.sampled_from([50, 3000, 40_000])
    )
    def put(self, count: int, lines: int, size: int) -> None:
        pages = [self.made(lines, size) for _ in range(count)]

        async def append() -> list[BaseException | None]:
            work = (self.spool.append(page) for page in pages)
            return await asyncio.gather(*work, return_exceptions=True)

        for page, refused in zip(pages, self.run(append()), strict=True):
            if refused is not None:
                assert isinstance(refused, Full)
                self.counts["refused"] += 1
                continue
            self.pages.append(Page({line.id: line for line in page.lines}))
            self.position = page.position
            self.seen.update(page.seen)

    @rule(lines=st.integers(1, 12), size=st.sampled_from([1, 5000, 1 << 20]))
    def take(self, lines: int, size: int) -> None:
        taken = self.run(self.spool.take(max_bytes=size, max_lines=lines))
        due = self.due()
        assert bool(taken) == bool(due)
        assert len(taken) <= lines
        for number, line in taken:
            assert due.pop(line.id) == line  # there, due, the same, and only once
            self.flying[number] = line.id

    def due(self) -> dict[str, Line]:
        """Return what may be taken: neither in flight, nor resting, nor final."""
        out = {*self.flying.values(), *self.resting}
        return {
            key: line
            for page in self.pages
            for key, line in page.lines.items()
            if key not in out and key not in page.final
        }

    @precondition(lambda self: self.flying)
    @rule(share=st.floats(0.1, 1), outcome=st.sampled_from([*FINAL, "stored", "stored", *WAITING]))
    def settle(self, share: float, outcome: Outcome) -> None:
        numbers = list(self.flying)[: max(1, int(share * len(self.flying)))]
        verdict = Verdict(outcome=outcome, reason="a_reason: 1")
        self.run(self.spool.settle([(number, verdict) for number in numbers]))
        for key in [self.flying.pop(number) for number in numbers]:
            if outcome in WAITING:
                self.resting.add(key)
            else:
                self.final(key, poison=outcome == "poison")

    def final(self, key: str, *, poison: bool) -> None:
        page = next(page for page in self.pages if key in page.lines)
        page.final.add(key)
        page.poison |= {key} if poison else set()
        if len(page.final) == len(page.lines):
            self.pages.remove(page)
            self.dead |= {one: page.lines[one] for one in page.poison}

    @precondition(lambda self: self.flying)
    @rule()
    def release(self) -> None:
        self.run(self.spool.release(list(self.flying), delay=5.0))
        self.resting |= set(self.flying.values())
        self.flying.clear()

    @rule()
    def pass_time(self) -> None:
        self.clock.advance_to(self.clock.now() + timedelta(hours=1))
        self.resting.clear()

    @rule()
    def replay(self) -> None:
        try:
            count = self.run(self.spool.replay())
        except Full:
            return
        assert count == len(self.dead)
        if self.dead:
            self.pages.append(Page(self.dead))
            self.dead = {}
            self.counts["replayed"] += count

    @rule(how=st.sampled_from(["kill", "close", "torn"]))
    def start_again(self, how: str) -> None:
        """End the process and start it on what it left: every line without a final page is due."""
        if how == "close":
            self.run(self.spool.close())
        else:
            self.kill()
        if how == "torn":
            self.tear()
        self.spool = self.opened()
        self.flying.clear()
        self.resting.clear()
        for page in self.pages:
            page.final.clear()
            page.poison.clear()
        self.counts[how] += 1

    def kill(self) -> None:
        """Leave the files as they are now, whatever closing them would do."""
        kept = Path(tempfile.mkdtemp(dir=self.folder))
        for path in self.folder.glob("s.db*"):
            if not path.name.endswith("-shm"):
                shutil.copy(path, kept)
        self.run(self.spool.close())
        for path in self.folder.glob("s.db*"):
            path.unlink()
        for path in kept.iterdir():
            shutil.move(path, self.folder)
        kept.rmdir()

    def tear(self) -> None:
        """Leave half of a record behind the last one, as a loss of power does."""
        for generation, path in spool_log.files(self.path)[-1:]:
            body, end = path.read_bytes(), spool_log.read(path, generation).end
            half = body[: end // 2][: len(body) - end]
            path.write_bytes(body[:end] + half + body[end + len(half) :])

    @invariant()
    def equal(self) -> None:
        lines = sum(len(page.lines) for page in self.pages)
        assert self.run(self.spool.waiting()) == (len(self.pages), lines)
        letters = self.run(self.spool.dead_letters())
        assert sorted(letter.id for letter in letters) == sorted(self.dead)
        assert self.run(self.spool.position("t")) == self.position
        assert self.run(self.spool.seen([f"s{number}" for number in range(7)])) == self.seen
        assert 0 <= self.spool.fill <= 1.25

    def teardown(self) -> None:
        with contextlib.suppress(Full):
            self.run(self.spool.close())
        assert not list(self.folder.glob("s.db-log-*"))
        SpoolFile(self.path, cap_bytes=CAP).close()
        self.loop.close()
        shutil.rmtree(self.folder)


@pytest.mark.timeout(form(120, 3600))
def test_the_spool_is_a_list_whatever_happens() -> None:
    counts = dict.fromkeys(("steps", "refused", "replayed", "kill", "close", "torn"), 0)
    machine = type("Counted", (SpoolModel,), {"counts": counts})
    profile = settings(
        max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, database=None
    )
    run_state_machine_as_test(machine, settings=profile)  # type: ignore[no-untyped-call] # hypothesis
    record(24, "spool against a list", machine_steps=EXAMPLES * STEPS, **counts, differences=0)
