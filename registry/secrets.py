"""Secrets of developer accounts: named in settings, read from a file or the environment."""

import hmac
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn, Self

from registry.errors import BadField, MissingSecret

STARS = "***"


class Secret(str):
    """A text that shows as three stars wherever it is printed, formatted, logged or made JSON.

    As a `str` it IS the three stars; what it stands for lies beside and comes out of `reveal` only.
    """

    __slots__ = ("_hidden",)
    _hidden: str

    def __new__(cls, value: str) -> Self:
        """Return a secret that hides `value`."""
        secret = super().__new__(cls, STARS)
        secret._hidden = value
        return secret

    def reveal(self) -> str:
        """Return the text itself; for the one call that needs it."""
        return self._hidden

    def __repr__(self) -> str:
        """Return how a secret may be shown."""
        return f"Secret({STARS})"

    def __eq__(self, other: object) -> bool:
        """Compare what is hidden, in constant time; a plain text is never equal."""
        return isinstance(other, Secret) and hmac.compare_digest(
            self._hidden.encode(), other._hidden.encode()
        )

    def __ne__(self, other: object) -> bool:
        """Return the opposite of equal; `str` has its own."""
        return not self == other

    def __hash__(self) -> int:
        """Return a hash of what is hidden."""
        return hash(self._hidden)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        """Refuse: a pickle would carry the text in clear."""
        raise TypeError("a secret is not pickled")

    def __copy__(self) -> Self:
        """Return itself: it cannot change."""
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        """Return itself: it cannot change."""
        return self


def read_secret(name: str, *, environ: Mapping[str, str], directory: Path) -> Secret:
    """Return the secret `name` from `directory/name`, else from the environment.

    The file wins: a variable shows in process lists, crash reports and child processes.
    Raises MissingSecret, or BadField for a name that is no plain file name.
    """
    if not name or name != Path(name).name or name.startswith("."):
        raise BadField("secret", name, "use a plain name such as IG_TOKEN_1")
    try:
        return _kept(name, (directory / name).read_text(encoding="utf-8").strip())
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, UnicodeDecodeError) as error:
        raise BadField("secret", name, f"{directory / name} cannot be read as text") from error
    if name not in environ:
        raise MissingSecret(name, str(directory))
    return _kept(name, environ[name].strip())


def _kept(name: str, value: str) -> Secret:
    if not value:
        raise BadField("secret", name, "it is empty: write the secret into it")
    return Secret(value)
