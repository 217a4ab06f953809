"""Settings: where they come from, and one line for each that is wrong."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from taglake.errors import BadSetting
from taglake.settings import AccountSettings, Settings, load

# One wrong value of every setting, and what its line says beside name and value.
WRONG = {
    "secrets": ("5", "path"),
    "heartbeat": ("5", "path"),
    "lake.url": ('"ftp://here"', "write files:FOLDER or http(s)://HOST:9200"),
    "lake.prefix": ('"Our Lake"', "pattern"),
    "lake.user": ("5", "valid string"),
    "lake.password": ("5", "valid string"),
    "lake.ca_certs": ("5", "path"),
    "lake.shards": ("0", "greater than 0"),
    "lake.replicas": ("-1", "greater than or equal to 0"),
    "registry.url": ('"mysql://here"', "write sqlite:///FILE or postgresql://USER@HOST/NAME"),
    "registry.password": ("5", "valid string"),
    "registry.pepper": ("5", "valid string"),
    "ingest.spool": ("5", "path"),
    "ingest.spool_megabytes": ("3", "greater than 3"),
    "ingest.concurrency": ("1001", "less than or equal to 1000"),
    "ingest.snapshot_every": ("0", "greater than 0"),
    "ingest.refresh": ('"soon"', "valid number"),
    "ingest.lease": ("2", "greater than or equal to 3"),
    "ingest.grace": ("inf", "finite number"),
    "ingest.metrics": ('"9464"', "match"),
    "audience.folder": ("5", "path"),
    "audience.sync_every": ("0", "greater than 0"),
    "work.rollup_every": ("nan", "finite number"),
    "work.compact_every": ("-1", "greater than 0"),
    "serve.host": ("5", "valid string"),
    "serve.port": ("65536", "less than or equal to 65535"),
    "serve.requests_per_minute": ("0", "greater than 0"),
    "serve.cache_seconds": ("-0.5", "greater than or equal to 0"),
    "serve.cors_origins": ('"https://here.example"', "valid tuple"),
    "serve.docs": ('"perhaps"', "valid boolean"),
    "log.level": ('"loud"', "'debug', 'info', 'warning' or 'error'"),
    "log.format": ('"xml"', "'auto', 'json' or 'text'"),
}
WRONG_ACCOUNT = {
    "source": ("5", "valid string"),
    "name": ('"two words"', "pattern"),
    "base_url": ("5", "valid string"),
    "user": ("5", "valid string"),
    "secret": ("5", "valid string"),
    "limit": ("0", "greater than 0"),
    "window": ("0", "greater than 0"),
}


def _names() -> Iterator[str]:
    for name, field in Settings.model_fields.items():
        if isinstance(field.default, BaseModel):
            yield from (f"{name}.{one}" for one in type(field.default).model_fields)
        elif name != "accounts":
            yield name


def _file(home: Path, text: str) -> Path:
    path = home / "taglake.toml"
    path.write_text(text)
    return path


def test_every_setting_is_tried_with_a_wrong_value() -> None:
    assert set(WRONG) == set(_names())
    assert set(WRONG_ACCOUNT) == set(AccountSettings.model_fields)


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_value_is_one_line_with_name_value_and_fix(home: Path, name: str) -> None:
    value, fix = WRONG[name]
    section, _, field = name.rpartition(".")
    path = _file(home, f"{f'[{section}]' if section else ''}\n{field} = {value}\n")
    with pytest.raises(BadSetting) as wrong:
        load(path)
    line = str(wrong.value)
    assert "\n" not in line
    assert f"{name} = {value.replace(chr(34), chr(39))}" in line
    assert fix in line


@pytest.mark.parametrize("name", WRONG_ACCOUNT)
def test_a_wrong_account_is_one_line_too(home: Path, name: str) -> None:
    value, fix = WRONG_ACCOUNT[name]
    fields = {"source": '"mastodon"', "name": '"here"', name: value}
    path = _file(home, "[[accounts]]\n" + "\n".join(f"{n} = {v}" for n, v in fields.items()))
    with pytest.raises(BadSetting) as wrong:
        load(path)
    assert f"accounts.0.{name} = " in str(wrong.value)
    assert fix in str(wrong.value)
    assert "\n" not in str(wrong.value)


def test_several_wrong_values_are_told_together(home: Path) -> None:
    path = _file(home, "[serve]\nport = -1\nhost = 5\n")
    with pytest.raises(BadSetting) as wrong:
        load(path)
    assert len(str(wrong.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("text", "name"),
    [("colour = 1", "colour"), ("[lake]\nurll = 'x'", "lake.urll"), ("[cellar]\nx = 1", "cellar")],
)
def test_an_unknown_setting_is_refused_by_name(home: Path, text: str, name: str) -> None:
    with pytest.raises(BadSetting, match=f": {name}: there is no such setting"):
        load(_file(home, text))


def test_an_account_that_stands_there_twice_is_refused(home: Path) -> None:
    account = '[[accounts]]\nsource = "mastodon"\nname = "here"\n'
    with pytest.raises(BadSetting, match="mastodon/here stands there twice; give each its own"):
        load(_file(home, account * 2))


def test_the_environment_beats_the_file_and_the_file_beats_the_default(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _file(home, "[serve]\nport = 9000\ncache_seconds = 1\n")
    monkeypatch.setenv("TAGLAKE_SERVE__PORT", "9001")
    settings = load()
    assert (settings.serve.port, settings.serve.cache_seconds) == (9001, 1.0)
    assert settings.serve.requests_per_minute == 600


def test_a_wrong_variable_is_named_with_its_value(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAGLAKE_SERVE__PORT", "eighty")
    with pytest.raises(BadSetting, match=r"environment: serve\.port = 'eighty': .*integer"):
        load()


@pytest.mark.parametrize("name", ["TAGLAKE_LAKE", "TAGLAKE_ACCOUNTS"])
def test_a_variable_that_is_no_json_is_named(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "[")
    with pytest.raises(BadSetting, match=f"{name}: is not JSON"):
        load()


def test_without_a_file_the_defaults_serve(home: Path) -> None:
    assert load().model_dump() == Settings().model_dump()


def test_a_file_that_was_named_must_exist(home: Path) -> None:
    with pytest.raises(BadSetting, match=r"--config other\.toml: there is no such file"):
        load(Path("other.toml"))


@pytest.mark.parametrize("body", [b"[lake", b"\xff\xfe"])
def test_a_file_that_is_not_toml_is_named(home: Path, body: bytes) -> None:
    (home / "taglake.toml").write_bytes(body)
    with pytest.raises(BadSetting, match=r"taglake\.toml: is not TOML"):
        load()


@pytest.mark.parametrize(
    ("section", "url"),
    [
        ("lake", "http://elastic:hunter2@localhost:9200"),
        ("registry", "postgresql://taglake:hunter2@localhost/taglake"),
    ],
)
def test_an_address_with_a_password_is_refused_without_showing_it(
    home: Path, section: str, url: str
) -> None:
    with pytest.raises(BadSetting, match="a password does not stand here") as wrong:
        load(_file(home, f'[{section}]\nurl = "{url}"\n'))
    assert "hunter2" not in str(wrong.value)
    assert f"{section}.password" in str(wrong.value)


@pytest.mark.parametrize(
    "url", ["files:", "files", "s3://bucket", "http://", "localhost:9200", "http://[::1"]
)
def test_an_address_that_is_no_lake_is_refused(home: Path, url: str) -> None:
    with pytest.raises(BadSetting, match=r"lake\.url = "):
        load(_file(home, f'[lake]\nurl = "{url}"\n'))
