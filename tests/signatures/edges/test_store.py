import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invented.audiences import flat
from signatures import EdgeStore, Signatures, Writer, sign
from signatures.edges.changes import Changes
from signatures.edges.lists import Lists
from signatures.errors import BadArray, BadStore, StoreBusy, UnknownAccount
from signatures.hashing import id_of, mix64
from signatures.minhash import EMPTY

Truth = dict[int, set[int]]
READ = 1772452800000  # 2026-03-02T12:00Z


def names(accounts: np.ndarray):  # type: ignore[no-untyped-def]
    return lambda places: np.array([str(one) for one in accounts[places]], dtype=object)


def change(folder: Path, edges: list[tuple[int, int]], mode: str = "add", **options):  # type: ignore[no-untyped-def]
    memory = options.pop("memory", 1 << 30)
    accounts = np.array([account for account, _ in edges], dtype=np.uint64)
    followers = np.array([follower for _, follower in edges], dtype=np.uint64)
    with (
        Writer(folder, shards=options.pop("shards", 5)) as writer,
        writer.changes(memory=memory) as changes,
    ):
        changes.add(accounts, followers, names(accounts))
        return writer.apply(changes, mode, **options)


def told(store: EdgeStore) -> Truth:
    return {int(name): set(store.followers(row).tolist()) for row, name in enumerate(store.names)}


def rebuilt(truth: Truth, slots: int) -> Signatures:
    keys = sorted(truth)
    return sign(*flat([np.array(sorted(truth[key]), dtype=np.uint64) for key in keys]), slots=slots)


def same(found: Signatures, wanted: Signatures) -> bool:
    return bool((found.minima == wanted.minima).all()) and bool((found.sizes == wanted.sizes).all())


EDGES = [(1, 10), (1, 11), (2, 11), (2, 12), (2, 12), (9, 10)]


def test_a_store_says_who_follows_whom(tmp_path: Path) -> None:
    applied = change(tmp_path, EDGES, read_at=READ)
    assert (len(applied), applied.given, applied.added, applied.removed) == (3, 6, 5, 0)
    store = EdgeStore(tmp_path)
    assert told(store) == {1: {10, 11}, 2: {11, 12}, 9: {10}}
    assert store.sizes.tolist() == [2, 2, 1]
    assert store.names.tolist() == ["1", "2", "9"]
    assert store.read_at.tolist() == [READ] * 3
    assert store.complete.tolist() == [True] * 3
    assert store.row("9") == 2
    with pytest.raises(UnknownAccount, match="account '7': its followers are not known here"):
        store.row("7")


def test_lists_ascend_by_hash(tmp_path: Path) -> None:
    change(tmp_path, [(1, follower) for follower in range(500)])
    store = EdgeStore(tmp_path)
    assert store.hashes(0).tolist() == sorted(mix64(np.arange(500)).tolist())


def test_a_shard_is_a_sample_of_people(tmp_path: Path) -> None:
    change(tmp_path, [(account, follower) for account in (1, 2) for follower in range(2_000)])
    store = EdgeStore(tmp_path)
    shards = [store.shard(shard) for shard in range(store.shards)]
    assert [set(one[0].tolist()) for one in shards] == [set(one[1].tolist()) for one in shards]
    # 400 of 2,000 are expected: 4 sigma are 4 * sqrt(2,000 * 0.2 * 0.8) = 72.
    assert all(abs(len(one[0]) - 400) < 72 for one in shards)
    assert sum(len(one[0]) for one in shards) == 2_000


def test_an_edge_given_again_changes_nothing(tmp_path: Path) -> None:
    change(tmp_path, EDGES)
    assert change(tmp_path, EDGES[:3]).added == 0
    assert EdgeStore(tmp_path).sizes.tolist() == [2, 2, 1]


def test_edges_are_taken_away(tmp_path: Path) -> None:
    change(tmp_path, EDGES)
    assert change(tmp_path, [(2, 12), (2, 99), (5, 10)], "remove").removed == 1
    assert told(EdgeStore(tmp_path)) == {1: {10, 11}, 2: {11}, 5: set(), 9: {10}}


def test_a_whole_list_replaces_an_old_one(tmp_path: Path) -> None:
    change(tmp_path, EDGES)
    applied = change(tmp_path, [(2, 11), (2, 13)], "replace", complete=False)
    assert (applied.added, applied.removed) == (1, 1)
    store = EdgeStore(tmp_path)
    assert told(store) == {1: {10, 11}, 2: {11, 13}, 9: {10}}
    assert store.complete.tolist() == [True, False, True]
    assert store.read_at.tolist() == [-1, -1, -1]


def test_an_account_without_followers_is_known(tmp_path: Path) -> None:
    with Writer(tmp_path) as writer, writer.changes() as changes:
        changes.add_accounts(np.array([7], dtype=np.uint64), np.array(["7"], dtype=object))
        writer.apply(changes, "replace")
        assert writer.sign().sizes.tolist() == [0]
    store = EdgeStore(tmp_path)
    assert told(store) == {7: set()}
    assert (store.signatures()[1].minima == EMPTY).all()  # type: ignore[index] # signed


def test_an_empty_store_has_nobody(tmp_path: Path) -> None:
    with Writer(tmp_path) as writer:
        assert len(writer.sign()) == 0
        writer.compact()
    store = EdgeStore(tmp_path)
    assert len(store) == 0
    assert store.shard(0).sizes.tolist() == []


def test_compaction_keeps_what_is_there_in_one_segment(tmp_path: Path) -> None:
    change(tmp_path, EDGES, read_at=READ)
    change(tmp_path, [(1, 10)], "remove")
    change(tmp_path, [(1, 77)])
    before = told(EdgeStore(tmp_path))
    with Writer(tmp_path) as writer:
        writer.compact()
    store = EdgeStore(tmp_path)
    assert told(store) == before == {1: {11, 77}, 2: {11, 12}, 9: {10}}
    assert len(store.segments) == 1
    assert store.generation == 3
    store.check()


edges = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 60)), max_size=120)
steps = st.lists(
    st.tuples(st.sampled_from(["add", "add", "remove", "replace"]), edges, st.booleans()),
    min_size=1,
    max_size=6,
)


@settings(max_examples=40, deadline=None)
@given(steps=steps)
def test_any_sequence_of_changes_equals_a_rebuild(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, list[tuple[int, int]], bool]]
) -> None:
    folder, truth = tmp_path_factory.mktemp("store"), {}
    for mode, pairs, tidy in steps:
        change(folder, pairs, mode, shards=3)
        for account in {account for account, _ in pairs}:
            truth.setdefault(account, set())
            if mode == "replace":
                truth[account] = set()
        for account, follower in pairs:
            if mode == "remove":
                truth[account].discard(follower)
            else:
                truth[account].add(follower)
        with Writer(folder) as writer:
            assert same(writer.sign(slots=16), rebuilt(truth, 16))
            if tidy:
                writer.compact()
        assert told(EdgeStore(folder)) == truth


def test_an_account_is_dirty_only_if_its_signature_may_stand_on_who_went(tmp_path: Path) -> None:
    followers = np.arange(5_000, dtype=np.uint64)
    change(tmp_path, [(1, int(one)) for one in followers])
    with Writer(tmp_path) as writer:
        minima = set(writer.sign(slots=16).minima[0].tolist())
    hashes = mix64(followers)
    stands = int(followers[[one in minima for one in hashes.tolist()]][0])
    high = int(followers[np.argmax(hashes)])
    change(tmp_path, [(1, high)], "remove")
    change(tmp_path, [(1, stands)], "remove")
    assert [segment.dirty.tolist() for segment in EdgeStore(tmp_path).segments] == [
        [False],
        [False],
        [True],
    ]


def test_signatures_are_brought_up_to_date_from_what_changed(tmp_path: Path) -> None:
    change(tmp_path, [(account, follower) for account in range(4) for follower in range(300)])
    with Writer(tmp_path) as writer:
        writer.sign(slots=64)
    change(tmp_path, [(0, 999), (7, 1)])
    change(tmp_path, [(1, follower) for follower in range(100)], "remove")
    store = EdgeStore(tmp_path)
    assert not store.signed
    with Writer(tmp_path) as writer:
        found = writer.sign(slots=64)
    truth = {account: set(range(300)) for account in range(4)} | {7: {1}}
    truth[0].add(999)
    truth[1] -= set(range(100))
    assert same(found, rebuilt(truth, 64))
    store = EdgeStore(tmp_path)
    assert store.signed
    assert store.signatures()[0].tolist() == [0, 1, 2, 3, 7]  # type: ignore[index] # signed


def test_signatures_with_other_slots_replace_the_stored_ones(tmp_path: Path) -> None:
    change(tmp_path, EDGES)
    with Writer(tmp_path) as writer:
        writer.sign(slots=128)
        assert writer.sign(slots=256).slots == 256
    assert EdgeStore(tmp_path).signatures()[1].slots == 256  # type: ignore[index] # signed
    assert len(list(tmp_path.glob("*.signatures"))) == 1


def test_more_edges_than_memory_holds_are_sorted_on_disk(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    accounts, followers = rng.integers(0, 50, 400_000), rng.integers(0, 20_000, 400_000)
    with Writer(tmp_path, shards=4, threads=2) as writer:
        with writer.changes(memory=1 << 20) as changes:
            changes.add(accounts, followers, names(accounts))
            assert list(tmp_path.glob("scratch-*"))
            applied = writer.apply(changes)
        found = writer.sign()
    edges = np.unique(np.stack([accounts, followers]), axis=1)
    assert applied.added == edges.shape[1]
    assert not list(tmp_path.glob("scratch-*"))
    truth = {account: set(edges[1][edges[0] == account].tolist()) for account in range(50)}
    assert same(found, rebuilt(truth, 128))


def test_a_shard_larger_than_memory_is_read_in_runs_of_accounts(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    keys = rng.integers(0, 40, 300_000).astype(np.uint64)
    hashes = rng.integers(0, 2**64, 300_000, dtype=np.uint64)
    with Changes(2, scratch=tmp_path, memory=1 << 20) as changes:
        changes.add_hashed(keys, hashes, names(keys))
        changes.settle()
        runs = list(changes.runs(0))
    assert len(runs) > 1
    assert [first for first, _ in runs] == np.cumsum(
        [0, *(len(part) for _, part in runs)]
    ).tolist()[:-1]
    low = hashes < 2**63
    for first, part in runs:
        for place in range(len(part)):
            assert part[place].tolist() == np.unique(hashes[low & (keys == first + place)]).tolist()


def test_people_are_forgotten_on_disk_too(tmp_path: Path) -> None:
    change(tmp_path, [(account, follower) for account in range(3) for follower in range(100)])
    with Writer(tmp_path) as writer:
        writer.sign(slots=16)
        assert writer.forget(np.array([5, 7, 1_000], dtype=np.uint64)) == 6
        assert writer.forget(np.array([5], dtype=np.uint64)) == 0
    store = EdgeStore(tmp_path)
    left = set(range(100)) - {5, 7}
    assert told(store) == dict.fromkeys(range(3), left)
    assert same(store.signatures()[1], rebuilt(told(store), 16))  # type: ignore[index] # signed
    gone = mix64([5])[0].tobytes()
    assert not [
        path for path in tmp_path.rglob("*") if path.is_file() and gone in path.read_bytes()
    ]


def test_a_reader_keeps_what_it_opened(tmp_path: Path) -> None:
    change(tmp_path, EDGES)
    change(tmp_path, [(1, 50)])
    store = EdgeStore(tmp_path)
    change(tmp_path, [(1, 10)], "remove")
    with Writer(tmp_path) as writer:
        writer.compact()
    assert told(store) == {1: {10, 11, 50}, 2: {11, 12}, 9: {10}}
    assert told(EdgeStore(tmp_path)) == {1: {11, 50}, 2: {11, 12}, 9: {10}}


def test_only_one_may_write(tmp_path: Path) -> None:
    with (
        Writer(tmp_path),
        pytest.raises(StoreBusy, match="another process writes to it"),
        Writer(tmp_path),
    ):
        pass


def test_leftovers_of_a_change_that_was_cut_short_go(tmp_path: Path) -> None:
    change(tmp_path, EDGES)
    for name in ("00000002.new", "scratch-x"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "part").write_text("x")
    change(tmp_path, [(1, 50)])
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("00000001", "00000002", "lock", "store.json")
    ]


def damaged(tmp_path: Path, pattern: str) -> Path:
    change(tmp_path, EDGES)
    with Writer(tmp_path) as writer:
        writer.sign()
    return next(tmp_path.rglob(pattern))


@pytest.mark.parametrize("pattern", ["accounts", "*.edges", "*.signatures"])
def test_a_file_that_is_cut_off_is_named(tmp_path: Path, pattern: str) -> None:
    path = damaged(tmp_path, pattern)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(BadStore, match=f"{path.name}: .* bytes, not .*; restore it from a copy"):
        EdgeStore(tmp_path)


@pytest.mark.parametrize("pattern", ["accounts", "*.edges", "*.signatures"])
def test_a_file_that_is_missing_is_named(tmp_path: Path, pattern: str) -> None:
    path = damaged(tmp_path, pattern)
    path.unlink()
    with pytest.raises(BadStore, match=f"{path.name}: is missing; restore it from a copy"):
        EdgeStore(tmp_path)


def test_a_flipped_byte_is_found_by_a_check(tmp_path: Path) -> None:
    path = damaged(tmp_path, "*.edges")
    body = bytearray(path.read_bytes())
    body[70] ^= 1
    path.write_bytes(body)
    with pytest.raises(BadStore, match="is damaged"):
        EdgeStore(tmp_path).check()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read; restore it from a copy"),
        ("[]", "cannot be read"),
        ('{"schema": 2}', "schema 2, this version reads 1; update taglake"),
        (
            '{"schema": 1, "shards": 0, "segments": [], "files": []}',
            "shards: 0 cannot be used; use 1 to 4096",
        ),
        ('{"schema": 1}', "segments"),
    ],
)
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "store.json").write_text(text)
    with pytest.raises(BadStore, match=message):
        EdgeStore(tmp_path)


def test_lists_of_different_length_are_refused(tmp_path: Path) -> None:
    with Writer(tmp_path) as writer, writer.changes() as changes:  # noqa: SIM117 - one line is too long
        with pytest.raises(BadArray, match="followers: 1 of them cannot be used; give 2"):
            changes.add([1, 2], [3], names(np.array([1, 2])))


def in_child(tmp_path: Path, code: str) -> subprocess.Popen[bytes]:
    start = f"""
import numpy as np, pathlib, sys
from signatures import Writer
folder = pathlib.Path({str(tmp_path)!r})
{code}"""
    return subprocess.Popen([sys.executable, "-c", start], stderr=subprocess.PIPE)


def test_a_full_disk_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    change(tmp_path, [(1, follower) for follower in range(3_000)])
    change(tmp_path, [(2, follower) for follower in range(3_000)])
    before = told(EdgeStore(tmp_path))
    child = in_child(
        tmp_path,
        """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
with Writer(folder) as writer:
    writer.compact()
""",
    )
    assert b"File too large" in child.communicate()[1]
    assert told(EdgeStore(tmp_path)) == before
    EdgeStore(tmp_path).check()
    assert not list(tmp_path.glob("*.new"))
    with Writer(tmp_path) as writer:
        writer.compact()
    assert told(EdgeStore(tmp_path)) == before


@pytest.mark.parametrize("delay", [0.02, 0.05, 0.1, 0.2, 0.3])
def test_a_killed_writer_leaves_a_whole_store(tmp_path: Path, delay: float) -> None:
    change(tmp_path, [(account, follower) for account in range(20) for follower in range(200)])
    child = in_child(
        tmp_path,
        """
print("ready", file=sys.stderr, flush=True)
for step in range(10_000):
    with Writer(folder) as writer, writer.changes() as changes:
        accounts = np.arange(20, dtype=np.uint64)
        names = lambda places: accounts[places].astype(str).astype(object)
        changes.add(accounts, np.full(20, 1_000 + step), names)
        writer.apply(changes)
        writer.sign(slots=16)
        if step % 3 == 2:
            writer.compact()
""",
    )
    assert child.stderr is not None
    assert child.stderr.readline() == b"ready\n"
    time.sleep(delay)
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    store = EdgeStore(tmp_path)
    store.check()
    found = told(store)
    steps = {len(followers) for followers in found.values()}
    assert len(steps) == 1  # a change is there for all accounts or for none
    with Writer(tmp_path) as writer:
        assert same(writer.sign(slots=16), rebuilt(found, 16))


def test_limits_of_this_process_are_untouched() -> None:
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] in (resource.RLIM_INFINITY, -1)


def test_keys_of_names_are_their_ids(tmp_path: Path) -> None:
    did = "did:plc:ewvi7nxzyoun6zhxrhs64oiz"
    with Writer(tmp_path) as writer, writer.changes() as changes:
        keys = np.array([id_of(did)], dtype=np.uint64)
        changes.add(keys, [5], lambda places: np.array([did], dtype=object)[places])
        writer.apply(changes)
    store = EdgeStore(tmp_path)
    assert store.row(did) == 0
    assert store.names.tolist() == [did]
    assert isinstance(store.shard(0), Lists)
