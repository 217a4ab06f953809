"""`audience import` and what can be asked of audiences afterwards."""

import json
from pathlib import Path

import numpy as np
import pytest

from fakes.terminal import Run
from signatures import Writer

ON = ("--network", "x")


@pytest.fixture
def edges(home: Path) -> Path:
    """Thirty accounts in three groups that share most of their followers."""
    rng = np.random.default_rng(1)
    lines = ["account,follower"]
    for account in range(30):
        fans = 1_000 * (account % 3) + rng.permutation(400)[:200]
        lines += [f"acct{account},{fan}" for fan in fans.tolist()]
    path = home / "edges.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def known(ready: Run, edges: Path) -> Run:
    assert ready("audience", "import", str(edges), *ON).code == 0
    return ready


def test_an_import_says_what_it_came_to(ready: Run, edges: Path) -> None:
    done = ready("audience", "import", str(edges), *ON)
    assert done.code == 0
    first, second = done.out.splitlines()
    assert first.startswith("6,000 edges of 30 accounts read in ")
    assert first.endswith(": 6,000 new, 0 gone")
    assert second == "x: 6,000 edges of 30 accounts known"
    again = json.loads(ready("audience", "import", str(edges), *ON, "--json").out)
    assert (again["edges"], again["added"], again["accounts_known"]) == (6000, 0, 30)


def test_a_list_can_replace_and_remove(known: Run, home: Path) -> None:
    (home / "few.csv").write_text("account,follower\nacct1,5\nacct1,6\n")
    told = json.loads(
        known("audience", "import", "few.csv", *ON, "--mode", "replace", "--json").out
    )
    assert (told["added"], told["removed"]) == (2, 200)
    told = json.loads(known("audience", "import", "few.csv", *ON, "--mode", "remove", "--json").out)
    assert (told["removed"], told["edges_known"]) == (2, 5800)


def test_a_bad_line_is_named_and_nothing_kept(known: Run, home: Path) -> None:
    (home / "bad.csv").write_text("account,follower\nacct1,5\nacct1,-6\n")
    failed = known("audience", "import", "bad.csv", *ON)
    assert failed.code == 2
    assert failed.err == (
        "taglake: bad.csv, row 3, follower: '-6' cannot be used; "
        "give whole numbers that are not negative, or any other text\n"
    )
    assert "6,000 edges" in known("audience", "check", *ON).out


def test_accounts_that_share_followers_are_found(known: Run) -> None:
    lines = known("audience", "similar", "acct4", *ON, "--limit", "3").out.splitlines()
    assert lines[0] == "most like x:acct4, of 29 accounts"
    assert len(lines) == 4
    assert all(int(line.partition("acct")[2].partition(" ")[0]) % 3 == 1 for line in lines[1:])
    told = json.loads(known("audience", "similar", "x:acct4", *ON, "--json").out)
    assert told["account"]["id"] == "x:acct4"


def test_reach_counts_each_person_once(known: Run) -> None:
    lines = known("audience", "reach", "acct1", "acct2", "nobody", *ON).out.splitlines()
    assert lines[0] == "x: 2 accounts reach 400 people together, of 400 followers in sum (counted)"
    assert lines[1] == "  each of them follows 1 of the accounts"
    assert lines[2] == "  100 % follow 1"
    assert lines[3] == "  x:acct1: 200 followers, 100 % follow no other"
    assert lines[5] == "unknown: the followers of nobody"


def test_overlap_lists_pairs_the_largest_first(known: Run) -> None:
    lines = known("audience", "overlap", "acct1", "acct4", "acct2", *ON).out.splitlines()
    assert lines[0].endswith("%  x:acct1 and x:acct4")
    assert [line.strip() for line in lines[1:]] == [
        "0.00 %  x:acct1 and x:acct2",
        "0.00 %  x:acct4 and x:acct2",
    ]


def test_communities_are_listed_and_drawn(known: Run, home: Path) -> None:
    done = known("audience", "communities", *ON, "--map", "map.svg")
    assert done.out.splitlines()[0].startswith("x: 3 communities of 30 accounts, 0 in none; ")
    assert (home / "map.svg").read_text().startswith("<svg")
    assert known("audience", "communities", *ON, "--map", "map.gif").code == 2


def test_the_community_around_accounts_is_found(known: Run) -> None:
    lines = known("audience", "around", "acct1", "acct4", *ON, "--limit", "8").out.splitlines()
    assert lines[0] == "around x:acct1, x:acct4, by similarity"
    numbers = [int(line.partition("acct")[2].partition(" ")[0]) for line in lines[1:]]
    assert sorted(numbers) == [7, 10, 13, 16, 19, 22, 25, 28]
    grown = known("audience", "around", "acct1", "who", *ON, "--method", "agglomerative").out
    assert grown.splitlines()[0] == "around x:acct1, by agglomerative"
    assert grown.splitlines()[-1] == "unknown: the followers of who"
    assert known("audience", "around", "who", *ON).code == 3


@pytest.fixture
def countries(ready: Run, home: Path) -> Run:
    """Two hundred accounts of two countries; which is known of every second one."""
    rng = np.random.default_rng(2)
    lines, labels = ["account,follower"], ["account,value"]
    for account in range(200):
        fans = 1_000 * (account % 2) + rng.permutation(300)[:120]
        lines += [f"a{account},{fan}" for fan in fans.tolist()]
        if account % 4 < 2:
            labels.append(f"a{account},{('DE', 'FR')[account % 2]}")
    (home / "many.csv").write_text("\n".join(lines) + "\n")
    (home / "labels.csv").write_text("\n".join([*labels, "gone,DE"]) + "\n")
    assert ready("audience", "import", "many.csv", "--network", "y").code == 0
    return ready


def test_an_attribute_is_told_with_how_far_it_can_be_believed(countries: Run) -> None:
    lines = countries("audience", "predict", "labels.csv", "--network", "y").out.splitlines()
    assert lines[0].startswith("100 known; of hidden ones 100 % are told right, 50 % by")
    assert {line.partition(":")[0] for line in lines[2:4]} == {"  DE", "  FR"}
    assert lines[-1] == "unknown: the followers of gone"
    told = json.loads(
        countries("audience", "predict", "labels.csv", "--network", "y", "--json").out
    )
    assert told["accounts"] == []  # only who asks for single accounts is told of them
    each = countries("audience", "predict", "labels.csv", "--network", "y", "--json", "--accounts")
    found = {one["account"]: one["value"] for one in json.loads(each.out)["accounts"]}
    assert len(found) == 100
    assert all(value == ("DE", "FR")[int(name[3:]) % 2] for name, value in found.items())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "names no columns account and value"),
        ("account,value\na1,\n", "line 2: account or value is empty"),
        ("account,value\na1,DE\na2,FR\n", "cannot be used"),
    ],
)
def test_labels_that_do_not_do_are_named(
    countries: Run, home: Path, text: str, message: str
) -> None:
    (home / "bad.csv").write_text(text)
    failed = countries("audience", "predict", "bad.csv", "--network", "y")
    assert (failed.code, message in failed.err) == (2, True), failed.err


def test_audiences_are_exported_and_come_back(known: Run, home: Path) -> None:
    assert known("audience", "export", "out.npz", *ON, "--format", "npz").out == (
        "6,000 edges in out.npz\n"
    )
    assert known("audience", "import", "out.npz", "--network", "y").code == 0
    assert "6,000 edges of 30 accounts" in known("audience", "check", "--network", "y").out
    failed = known("audience", "export", "out.npz", *ON)
    assert (failed.code, "is there already" in failed.err) == (2, True)
    assert (
        known("audience", "export", "b.csv", *ON, "--account", "who", "--format", "csv").code == 3
    )
    assert not (home / "b.csv").exists()


def test_signatures_can_have_more_slots(known: Run) -> None:
    assert (
        known("audience", "sign", *ON, "--slots", "256").out
        == "30 accounts signed with 256 slots\n"
    )


def test_people_are_forgotten(known: Run) -> None:
    assert known("audience", "forget", "1001", *ON, "--yes").out.endswith("edges are gone\n")
    assert "unknown" not in known("audience", "reach", "acct1", *ON).out


def test_a_network_without_audiences_is_not_there(ready: Run) -> None:
    for command in (("similar", "a"), ("reach", "a"), ("communities",), ("check",), ("sign",)):
        failed = ready("audience", *command, "--network", "q")
        assert (failed.code, "no audiences are known" in failed.err) == (3, True)


def test_an_account_nobody_knows_is_not_there(known: Run) -> None:
    failed = known("audience", "similar", "who", *ON)
    assert failed.code == 3
    assert "account who: its followers are not known among 30 of x" in failed.err


def test_a_name_that_cannot_be_a_folder_is_refused(ready: Run, edges: Path) -> None:
    failed = ready("audience", "import", str(edges), "--network", "../x")
    assert failed.code == 2
    assert "use a word of small letters" in failed.err


def test_a_store_that_is_being_written_is_busy(known: Run, home: Path, edges: Path) -> None:
    with Writer(home / ".taglake" / "audiences" / "x"):
        failed = known("audience", "import", str(edges), *ON)
    assert (failed.code, "another process writes to it" in failed.err) == (4, True)


def test_a_damaged_store_is_named(known: Run, home: Path) -> None:
    path = next((home / ".taglake" / "audiences" / "x").rglob("*.edges"))
    path.write_bytes(path.read_bytes()[:-5])
    failed = known("audience", "check", *ON)
    assert failed.code == 2
    assert "restore it from a copy" in failed.err
