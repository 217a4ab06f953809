"""What a store consists of, in one small file that is replaced whole."""

import contextlib
import fcntl
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from signatures.edges.files import SCHEMA, replace_text
from signatures.edges.shards import check_shards
from signatures.errors import BadStore, StoreBusy

MANIFEST = "store.json"
LOCK = "lock"


@dataclass(frozen=True, slots=True)
class Manifest:
    """The state of a store. `generation` counts the changes of who follows whom."""

    shards: int
    generation: int = 0
    segments: tuple[str, ...] = ()  # folders, oldest first, named by generation
    files: tuple[tuple[str, int], ...] = ()  # every file of these, and its size in bytes
    signatures: str | None = None  # a file
    signed: int = 0  # the generation that the signatures hold
    schema: int = SCHEMA

    def changed(self, **facts: object) -> "Manifest":
        """Return the state with some facts replaced."""
        return replace(self, **facts)  # type: ignore[arg-type] # by name


def load(folder: Path) -> Manifest:
    """Return the state of the store in a folder. Raises BadStore, FileNotFoundError."""
    path = folder / MANIFEST
    text = path.read_text(encoding="utf-8")
    try:
        found = json.loads(text)
        schema = found["schema"]
    except (ValueError, KeyError, TypeError):
        raise BadStore(f"{path}: cannot be read; restore it from a copy") from None
    if schema != SCHEMA:
        raise BadStore(f"{path}: schema {schema}, this version reads {SCHEMA}; update taglake")
    try:
        found["segments"] = tuple(found["segments"])
        found["files"] = tuple((name, size) for name, size in found["files"])
        manifest = Manifest(**found)
        check_shards(manifest.shards)
    except (TypeError, ValueError, KeyError) as exc:
        raise BadStore(f"{path}: {exc}; restore it from a copy") from exc
    return manifest


def save(folder: Path, manifest: Manifest) -> None:
    """Replace the state of a store: from here on readers see the new one. Raises OSError."""
    replace_text(folder / MANIFEST, json.dumps(asdict(manifest)))


def check_files(folder: Path, manifest: Manifest) -> None:
    """Raise BadStore for a file that is cut off or swapped, FileNotFoundError for a missing one."""
    for name, size in manifest.files:
        found = (folder / name).stat().st_size
        if found != size:
            raise BadStore(
                f"{folder / name}: {found:,} bytes, not {size:,}; restore it from a copy"
            )


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Be the only writer of a store for a while. Raises StoreBusy at once if another is."""
    with (folder / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreBusy(f"{folder}: another process writes to it; try again later") from None
        yield
