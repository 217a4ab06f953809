import stat
from pathlib import Path

from ingestor.sessions import SessionFile
from ingestor.sources.sessions import Session

SESSION = Session(user="did:plc:1", access="access-canary", refresh="refresh-canary")


def store(folder: Path, **secrets: str) -> SessionFile:
    return SessionFile(folder / "sessions.json", secret_of=secrets.get)


async def test_a_session_outlives_the_process(tmp_path: Path) -> None:
    await store(tmp_path, brand="s3cret").put("brand", SESSION)
    assert await store(tmp_path, brand="s3cret").get("brand") == SESSION


async def test_nobody_else_reads_the_file_and_no_token_stands_in_it(tmp_path: Path) -> None:
    await store(tmp_path, brand="s3cret").put("brand", SESSION)
    path = tmp_path / "sessions.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"canary" not in path.read_bytes()


async def test_another_secret_opens_nothing(tmp_path: Path) -> None:
    await store(tmp_path, brand="s3cret").put("brand", SESSION)
    assert await store(tmp_path, brand="changed").get("brand") is None


async def test_a_forgotten_session_is_gone_and_others_stay(tmp_path: Path) -> None:
    sessions = store(tmp_path, a="1", b="2")
    await sessions.put("a", SESSION)
    await sessions.put("b", SESSION)
    await sessions.put("a", None)
    assert (await sessions.get("a"), await sessions.get("b")) == (None, SESSION)


async def test_an_account_without_a_secret_is_not_kept(tmp_path: Path) -> None:
    await store(tmp_path).put("anonymous", SESSION)
    assert await store(tmp_path, anonymous="x").get("anonymous") is None


async def test_a_damaged_file_costs_a_log_in_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "sessions.json").write_bytes(b"\x00 not json")
    sessions = store(tmp_path, a="1")
    assert await sessions.get("a") is None
    await sessions.put("a", SESSION)
    assert await sessions.get("a") == SESSION
