import copy
import json
import pickle
from pathlib import Path

import msgspec
import pytest

from registry import Secret, read_secret
from registry.errors import BadField, MissingSecret

SECRET = Secret("hunter2")


@pytest.mark.parametrize(
    "shown",
    [
        str(SECRET),
        repr(SECRET),
        f"{SECRET}",
        f"{SECRET!r:>20}",
        "".join([SECRET]),
        "a" + SECRET,
        SECRET.upper(),
        json.dumps({"token": SECRET}),
        str([SECRET]),
        str(SECRET.encode()),
        str({SECRET: 1}),
        str(copy.deepcopy([SECRET])),
    ],
)
def test_a_secret_shows_as_stars(shown: str) -> None:
    assert "hunter2" not in shown
    assert "***" in shown


def test_a_secret_is_revealed_on_purpose_only() -> None:
    assert SECRET.reveal() == "hunter2"
    assert copy.copy(SECRET).reveal() == "hunter2"


def test_our_own_encoder_refuses_a_secret() -> None:
    with pytest.raises(TypeError, match="type Secret is unsupported"):
        msgspec.json.encode({"token": SECRET})


def test_a_secret_is_not_pickled() -> None:
    with pytest.raises(TypeError, match="a secret is not pickled"):
        pickle.dumps(SECRET)


def test_secrets_compare_by_what_they_hide() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "***"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


def test_a_file_wins_over_the_environment(tmp_path: Path) -> None:
    (tmp_path / "IG_TOKEN").write_text("from file\n")
    found = read_secret("IG_TOKEN", environ={"IG_TOKEN": "from env"}, directory=tmp_path)
    assert found.reveal() == "from file"


def test_the_environment_serves_where_there_is_no_file(tmp_path: Path) -> None:
    found = read_secret("IG_TOKEN", environ={"IG_TOKEN": "from env"}, directory=tmp_path / "none")
    assert found.reveal() == "from env"


def test_a_missing_secret_says_where_to_put_it(tmp_path: Path) -> None:
    with pytest.raises(MissingSecret, match=f"write it to {tmp_path}/IG_TOKEN or set"):
        read_secret("IG_TOKEN", environ={}, directory=tmp_path)


@pytest.mark.parametrize("name", ["", "../passwd", "/etc/passwd", "a/b", ".hidden", ".."])
def test_a_name_is_no_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadField, match="use a plain name such as IG_TOKEN_1"):
        read_secret(name, environ={name: "x"}, directory=tmp_path)


def test_an_empty_secret_is_refused(tmp_path: Path) -> None:
    (tmp_path / "IG_TOKEN").write_text("\n")
    with pytest.raises(BadField, match="secret is 'IG_TOKEN': it is empty"):
        read_secret("IG_TOKEN", environ={}, directory=tmp_path)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "IG_TOKEN").write_bytes(b"\xff\xfe")
    with pytest.raises(BadField, match="cannot be read as text"):
        read_secret("IG_TOKEN", environ={}, directory=tmp_path)
