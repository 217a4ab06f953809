"""`taglake doctor`: what is well, what is not, and what to do about it."""

import json
from pathlib import Path

import pytest

from fakes.registered import Clock
from fakes.terminal import Run
from simnet import World, make_app
from simnet.brands import sports_brands
from taglake.demo import _serving as serving
from taglake.doctor import Finding, examine
from taglake.settings import load


def _told(run: Run) -> tuple[int, dict[str, dict[str, str]]]:
    shown = run("doctor", "--json")
    return shown.code, {one["subject"]: one for one in json.loads(shown.out)}


def test_a_healthy_setup_is_well(ready: Run) -> None:
    ready("client", "add", "My brand")
    code, found = _told(ready)
    assert code == 0
    assert {one["verdict"] for name, one in found.items() if name != "kernels"} <= {
        "ok", "warn",
    }  # fmt: skip
    assert found["lake"]["found"] == "files:.taglake/lake"
    assert found["registry"]["found"] == "sqlite:///.taglake/registry.db"
    assert found["accounts"]["mend"].startswith("add [[accounts]] to taglake.toml")
    assert "clients" not in found


def test_what_is_missing_comes_with_what_to_do(run: Run) -> None:
    shown = run("doctor")
    assert shown.code == 5
    assert "bad   registry" in shown.out
    assert "-> `taglake init` makes the secrets" in shown.out
    assert shown.err == "taglake: something has to be mended, see above\n"


def test_a_new_setup_is_told_to_make_a_client(ready: Run) -> None:
    _, found = _told(ready)
    assert found["clients"]["mend"] == 'make one: taglake client add "My brand"'


def test_a_lake_that_does_not_answer_is_bad(ready: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAGLAKE_LAKE__URL", "http://127.0.0.1:1")
    code, found = _told(ready)
    assert code == 5
    assert found["lake"]["verdict"] == "bad"
    assert "http://127.0.0.1:1" in found["lake"]["found"]
    assert found["lake"]["mend"] == "is it running, and is lake.url right?"
    assert found["registry"]["verdict"] == "ok"


def test_accounts_that_cannot_work_are_told_one_by_one(ready: Run, home: Path) -> None:
    (home / "taglake.toml").write_text(
        '[[accounts]]\nsource = "myspace"\nname = "old"\n'
        '[[accounts]]\nsource = "mastodon"\nname = "nowhere"\n'
        '[[accounts]]\nsource = "instagram_graph"\nname = "brand"\nsecret = "IG_TOKEN"\n'
        '[[accounts]]\nsource = "mastodon"\nname = "down"\nbase_url = "http://127.0.0.1:1"\n'
    )
    code, found = _told(ready)
    assert code == 5
    assert "accounts.old.source = 'myspace': unknown" in found["account old"]["found"]
    assert "name one" in found["account nowhere"]["found"]
    assert "secret IG_TOKEN: write it to the file" in found["account brand"]["found"]
    assert found["account down"]["verdict"] == "warn"
    assert found["account down"]["mend"] == "is the network reachable?"


def test_audiences_are_counted_and_a_damaged_store_is_named(ready: Run, home: Path) -> None:
    (home / "edges.csv").write_text("follower,account\nann,zoe\nbob,zoe\n")
    assert ready("audience", "import", "edges.csv", "--network", "mastodon").code == 0
    assert _told(ready)[1]["audiences mastodon"]["found"] == "2 followers of 1 accounts"
    store = home / ".taglake" / "audiences" / "mastodon" / "store.json"
    store.write_text("{")
    code, found = _told(ready)
    assert code == 5
    assert "store.json: cannot be read" in found["audiences mastodon"]["found"]
    assert found["audiences mastodon"]["mend"].startswith("a worker makes it anew")


def test_a_folder_of_audiences_that_takes_no_files_is_told(ready: Run, home: Path) -> None:
    (home / ".taglake" / "audiences").touch()
    assert _told(ready)[1]["audiences"]["mend"].endswith("set audience.folder")


async def test_an_account_whose_network_answers_is_well(home: Path) -> None:
    clock = Clock()
    world = World(1, start=clock(), days=1, brands=sports_brands(clock()), people=100)
    async with serving(make_app(world, now=clock)) as port:
        (home / "taglake.toml").write_text(
            '[[accounts]]\nsource = "mastodon"\nname = "here"\n'
            f'base_url = "http://127.0.0.1:{port}/mastodon.example"\n'
        )
        found = {one.subject: one for one in await examine(load())}
    assert found["account here"] == Finding(
        subject="account here",
        verdict="ok",
        found=f"http://127.0.0.1:{port}/mastodon.example answers; 300 requests per 300 s",
    )
