"""Parts from settings: lakes, registries, lanes and what an account proves itself with."""

from pathlib import Path

import pytest

from lake.elastic import ElasticLake
from lake.files import FilesLake
from taglake import wiring
from taglake.errors import BadSetting
from taglake.settings import AccountSettings, LakeSettings, RegistrySettings, Settings

KNOWN = wiring.sources()


def _account(**fields: object) -> AccountSettings:
    return AccountSettings(**({"source": "mastodon", "name": "here"} | fields))  # type: ignore[arg-type]  # fields of an account


def test_the_address_decides_which_lake_it_is(home: Path) -> None:
    files = Settings(lake=LakeSettings(url="files:somewhere"))
    elastic = Settings(lake=LakeSettings(url="https://localhost:9200"))
    assert isinstance(wiring.lake_of(files), FilesLake)
    assert isinstance(wiring.lake_of(elastic), ElasticLake)


def test_a_lake_with_a_user_needs_its_password(home: Path) -> None:
    settings = Settings(lake=LakeSettings(url="https://localhost:9200", user="elastic"))
    with pytest.raises(BadSetting, match="secret TAGLAKE_LAKE_PASSWORD: write it to the file"):
        wiring.lake_of(settings)


def test_the_registrys_password_comes_from_its_secret(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(registry=RegistrySettings(url="postgresql://taglake@db:5432/taglake"))
    assert wiring.registry_url(settings) == "postgresql://taglake@db:5432/taglake"
    monkeypatch.setenv("TAGLAKE_REGISTRY_PASSWORD", "p@ss:w/rd")
    assert wiring.registry_url(settings) == "postgresql://taglake:p%40ss%3Aw%2Frd@db:5432/taglake"
    assert "p@ss" not in repr(settings)


@pytest.mark.parametrize(
    ("fields", "base_url"),
    [
        ({"source": "bluesky"}, "https://api.bsky.app"),
        ({"source": "bluesky", "secret": "APP_PASSWORD"}, "https://bsky.social"),
        ({"source": "instagram"}, "https://www.instagram.com"),
        ({"source": "instagram_graph", "secret": "TOKEN"}, "https://graph.facebook.com"),
        ({"base_url": "https://mastodon.social/"}, "https://mastodon.social"),
    ],
)
def test_a_lane_asks_the_networks_own_address_unless_told(
    fields: dict[str, str], base_url: str
) -> None:
    assert wiring.lane_of(_account(**fields), KNOWN).base_url == base_url


def test_a_lane_has_its_sources_budget_unless_told() -> None:
    own = wiring.lane_of(_account(source="instagram_graph"), KNOWN)
    assert (own.limit, own.window, own.slots, own.slot_window) == (200, 3600.0, 30, 604_800.0)
    told = wiring.lane_of(_account(source="instagram_graph", limit=10, window=60), KNOWN)
    assert (told.limit, told.window, told.slots) == (10, 60.0, 30)
    assert told.id == "instagram_graph/here"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"source": "myspace"}, r"accounts\.here\.source = 'myspace': unknown; there are bluesky"),
        ({}, r"accounts\.here\.base_url: mastodon has many servers; name one"),
    ],
)
def test_an_account_that_makes_no_lane_is_named(fields: dict[str, str], said: str) -> None:
    with pytest.raises(BadSetting, match=said):
        wiring.lane_of(_account(**fields), KNOWN)


def test_a_secret_file_beats_a_variable_and_neither_shows(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(secrets=home)
    monkeypatch.setenv("TOKEN", "from the environment")
    assert wiring.secret(settings, "TOKEN").reveal() == "from the environment"
    (home / "TOKEN").write_text("from a file\n")
    found = wiring.secret(settings, "TOKEN")
    assert found.reveal() == "from a file"
    assert repr(found) == "Secret(***)"
    credential = wiring.credential_of(settings, _account(secret="TOKEN", user="us"))
    assert "from a file" not in repr(credential)


def test_a_secret_that_is_a_path_is_refused(home: Path) -> None:
    with pytest.raises(BadSetting, match="use a plain name"):
        wiring.secret(Settings(secrets=home), "../TOKEN")
