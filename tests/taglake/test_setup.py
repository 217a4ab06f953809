"""`init`, `client` and `spool`: what an operator does before and between runs."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fakes.terminal import Run
from ingestor.clock import SystemClock
from ingestor.spool import Spool
from ingestor.spool_file import Append
from lake.contract import Line, Verdict
from taglake.settings import load
from taglake.template import template

POISON = Verdict(outcome="poison", reason="document_parsing_exception: field counts.likes")


def test_init_twice_keeps_what_is_there(run: Run, home: Path) -> None:
    first = run("init")
    pepper = home / ".taglake" / "secrets" / "TAGLAKE_PEPPER"
    made = pepper.read_text()
    assert first.code == 0
    assert (home / "taglake.toml").read_text() == template()
    assert "made .taglake/secrets/TAGLAKE_PEPPER: back it up" in first.out

    (home / "taglake.toml").write_text("[serve]\nport = 9000\n")
    second = run("init")
    assert second.code == 0
    assert second.out.count("is there already: kept") == 2
    assert load().serve.port == 9000
    assert pepper.read_text() == made
    assert made not in first.out + second.out


def test_secrets_are_long_different_and_closed_to_others(run: Run, home: Path) -> None:
    run("init", "one")
    run("init", "two")
    paths = [home / name / ".taglake/secrets/TAGLAKE_PEPPER" for name in ("one", "two")]
    values = {path.read_text() for path in paths}
    assert len(values) == 2
    assert all(len(value) >= 43 for value in values)  # 256 bits
    assert all(path.stat().st_mode & 0o007 == 0 for path in paths)
    assert all(path.parent.stat().st_mode & 0o077 == 0 for path in paths)


def test_a_fleets_secrets_hold_the_databases_password_too(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAGLAKE_REGISTRY__URL", "postgresql://taglake@db/taglake")
    assert run("init", "--secrets").code == 0
    assert {path.name for path in (home / ".taglake/secrets").iterdir()} == {
        "TAGLAKE_PEPPER", "TAGLAKE_REGISTRY_PASSWORD",
    }  # fmt: skip
    assert not (home / "taglake.toml").exists()


def test_a_tenant_gets_keys_that_are_shown_once_and_end(ready: Run) -> None:
    added = ready("client", "add", "My brand")
    full = added.out.strip()
    prefix = full.split("_")[1]
    assert full.startswith("pk_")
    assert "only time the key is shown" in added.err

    second = json.loads(ready("client", "key", "My brand", "--scope", "read", "--json").out)
    assert second["key"] != full
    told = ready("client", "revoke", "My brand", prefix)
    assert (told.code, told.err) == (0, "")

    listed = ready("client", "list")
    assert f"  {prefix}\trevoked\tread,write" in listed.out
    assert f"  {second['key'].split('_')[1]}\tlive\tread\n" in listed.out
    assert full.rpartition("_")[2] not in listed.out
    whole = json.loads(ready("client", "list", "--json").out)
    assert whole["client"]["name"] == "My brand"
    assert [key["scopes"] for key in whole["keys"]] == [["read"], ["read", "write"]]


def test_a_key_can_expire(ready: Run) -> None:
    ready("client", "add", "My brand")
    ready("client", "key", "My brand", "--days", "3")
    keys = json.loads(ready("client", "list", "--json").out)["keys"]
    days = (datetime.fromisoformat(keys[0]["expires_at"]) - datetime.now(UTC)).total_seconds()
    assert 2.9 < days / 86_400 < 3
    assert keys[1]["expires_at"] is None


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("client add My", 2, "there is a client 'My' already: choose another name"),
        ("client add ''", 2, "name is '': use 1 to 200 characters"),
        ("client key Nobody", 3, "client 'Nobody': there is none of that name"),
        ("client revoke My nothere", 3, "there is no key 'nothere'"),
        ("client revoke Nobody x", 3, "client 'Nobody'"),
    ],
)
def test_what_cannot_be_done_to_a_tenant_is_said(
    ready: Run, line: str, code: int, said: str
) -> None:
    ready("client", "add", "My")
    shown = ready(*[word.strip("'") for word in line.split(" ")])
    assert shown.code == code
    assert said in shown.err


def test_a_spool_that_was_never_made_is_not_there(ready: Run) -> None:
    for words in (["check"], ["dead-letters"], ["replay", "--all"]):
        shown = ready("spool", *words)
        assert shown.code == 3
        assert "there is no spool yet; `taglake run` makes it" in shown.err


@pytest.fixture
def dead_letter(ready: Run) -> int:
    """The number of a post that the lake refused for good."""

    async def refuse() -> int:
        spool = Spool(load().ingest.spool, clock=SystemClock(), cap_bytes=64 << 20)
        await spool.open()
        try:
            body = b'{"text":"words of somebody"}'
            line = Line(table="posts", id="mastodon:1", version=1, month="2026.01", body=body)
            await spool.append(Append(lines=(line,)))
            taken = await spool.take(max_bytes=1 << 20, max_lines=10)
            await spool.settle([(taken[0][0], POISON)])
            return (await spool.dead_letters())[0].number
        finally:
            await spool.close()

    return asyncio.run(refuse())


def test_a_dead_letter_is_listed_with_its_reason_and_without_its_text(
    ready: Run, dead_letter: int
) -> None:
    shown = ready("spool", "dead-letters")
    assert shown.out == (
        f"{dead_letter}\tposts\tmastodon:1\tdocument_parsing_exception: field counts.likes\n"
    )
    whole = ready("spool", "dead-letters", "--json")
    assert json.loads(whole.out)["id"] == "mastodon:1"
    assert "words of somebody" not in whole.out


@pytest.mark.parametrize("numbers", ["--all", "its own"])
def test_a_dead_letter_is_replayed(ready: Run, dead_letter: int, numbers: str) -> None:
    asked = numbers if numbers == "--all" else str(dead_letter)
    assert ready("spool", "replay", asked).out == "1 dead letters are back in the spool\n"
    assert ready("spool", "dead-letters").out == "there are no dead letters\n"
    assert json.loads(ready("spool", "check", "--json").out)["pages"] == 1


def test_a_sound_spool_is_told(ready: Run, dead_letter: int) -> None:
    shown = ready("spool", "check")
    assert shown.code == 0
    assert json.loads(shown.out)["damaged"] == 0
