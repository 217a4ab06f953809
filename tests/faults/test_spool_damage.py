"""Case 18: a byte of the spool is flipped, or a file is cut, anywhere: the start succeeds, what is
sound goes on, and the loss that is reported is the loss there is.
"""

import random
import shutil
from pathlib import Path

import msgspec
import pytest

from faults.figures import record
from faults.forms import form
from ingestor.spool_file import Append, SpoolFile
from ingestor.spool_rescue import open_spool
from lake.contract import Line

CAP = 2 << 20
TRIALS = form(20, 200)


def page(number: int) -> Append:
    body = random.Random(number).randbytes(1500).hex().encode()
    line = Line(table="posts", id=f"mastodon:{number}", version=1, month="2026.01", body=body)
    seen = tuple((f"s{number}/{one}", b"state") for one in range(3))
    return Append(lines=(line,), target="t", position=b"%d" % number, seen=seen)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a spool as a kill leaves it: pages in the file, and more in the log."""
    live, folder = (tmp_path_factory.mktemp(name) for name in ("live", "whole"))
    file = SpoolFile(live / "s.db", cap_bytes=CAP)
    for number in range(300):
        file.append([page(number)])
    assert file._log.segments
    assert file._one("SELECT count(*) FROM spool") > 30
    for path in live.glob("s.db*"):
        if not path.name.endswith("-shm"):
            shutil.copy(path, folder)
    file.close()
    return folder


class After(msgspec.Struct):
    """What a start made of a damaged spool."""

    kept: list[int]
    lost: int  # as it was reported
    cut: bool  # it was reported that an unknown part is missing
    cursor: int


def after(folder: Path) -> After:
    file = open_spool(folder / "s.db", cap_bytes=CAP)
    found = [line for _, lines in file.pages_after(0, 10_000) for line in lines]
    for line in found:
        assert line == page(int(line.id[9:])).lines[0]
    report, position = file.check(), file.positions("t")
    assert report.sound
    file.append([page(999)])
    file.close()
    kept = [int(line.id[9:]) for line in found]
    return After(
        kept=kept,
        lost=report.lost + report.damaged,
        cut=report.cuts > 0,
        cursor=int(position or -1),
    )


def hurt(whole: Path, to: Path, pattern: str, rng: random.Random, *, cut: bool) -> None:
    """Copy a spool and flip a bit in one of its files, or cut it off, where something stands."""
    shutil.copytree(whole, to)
    path = rng.choice(sorted(to.glob(pattern)))
    body = bytearray(path.read_bytes())
    at = rng.randrange(len(body.rstrip(b"\0")))
    if cut:
        del body[at:]
    else:
        body[at] ^= 1 << rng.randrange(8)
    path.write_bytes(body)


def test_a_flipped_bit_of_the_log_costs_one_page_which_is_told(whole: Path, tmp_path: Path) -> None:
    rng, right, hit = random.Random(18), 0, 0
    for trial in range(TRIALS):
        hurt(whole, tmp_path / str(trial), "s.db-log-*", rng, cut=False)
        found = after(tmp_path / str(trial))
        gone = 300 - len(found.kept)
        assert found.kept == sorted(found.kept)
        assert (gone, found.lost) in ((0, 0), (1, 1))
        # The cursor stays before what was lost: its target is asked again from there.
        missing = set(range(300)) - set(found.kept)
        assert found.cursor < min(missing, default=300)
        right += gone == found.lost
        hit += gone
        shutil.rmtree(tmp_path / str(trial))
    record(18, "bit flipped in the log", trials=TRIALS, starts=TRIALS, told_right=right,
           pages_lost=hit)  # fmt: skip


def test_a_log_that_was_cut_leaves_a_clean_prefix(whole: Path, tmp_path: Path) -> None:
    rng, right = random.Random(81), 0
    for trial in range(TRIALS):
        hurt(whole, tmp_path / str(trial), "s.db-log-*", rng, cut=True)
        found = after(tmp_path / str(trial))
        first = min(set(range(301)) - set(found.kept))
        assert found.cursor <= first - 1
        assert found.lost <= 300 - len(found.kept)
        right += found.cut
        shutil.rmtree(tmp_path / str(trial))
    assert right == TRIALS
    record(18, "log cut short", trials=TRIALS, starts=TRIALS, told=right)


@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize("name", ["s.db", "s.db-wal"])
def test_damage_to_the_file_or_its_write_ahead_log_never_stops_a_start(
    name: str, cut: bool, whole: Path, tmp_path: Path
) -> None:
    rng, right, trials = random.Random(8), 0, TRIALS // 2
    for trial in range(trials):
        hurt(whole, tmp_path / str(trial), name, rng, cut=cut)
        found = after(tmp_path / str(trial))
        aside = list((tmp_path / str(trial)).glob("*.damaged-*"))
        gone = 300 - len(set(found.kept))
        # What SQLite's own checks find is set aside whole; what only our checksum finds is counted.
        right += gone == found.lost or found.cut or bool(aside)
        assert found.cursor < 300
        shutil.rmtree(tmp_path / str(trial))
    assert right == trials
    what = "cut short" if cut else "bit flipped"
    record(18, f"{what} in {name.replace('s.db', 'the file')}", trials=trials, starts=trials,
           told_or_set_aside=right)  # fmt: skip
