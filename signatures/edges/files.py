r"""Files of arrays: written once, checked, read through memory maps.

    "TAGLAKE\1" | arrays, each from a multiple of 64 bytes | JSON | its size, 8 bytes | "TAGLAKE\1"

The JSON at the end names the schema, the kind of file and each array's type, place, length and
CRC-32, so that arrays may be written in parts. A file is whole or it is refused.
"""

import contextlib
import json
import mmap
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from signatures.errors import BadStore

MAGIC = b"TAGLAKE\1"
SCHEMA = 1
ALIGNED = 64
_MOST_JSON = 1 << 20  # bytes

Array = npt.NDArray[Any]
Parts = Array | Iterable[Array]


def write_file(path: Path, kind: str, arrays: Mapping[str, Parts], **facts: object) -> None:
    """Write a new file and have it on disk when this returns. Raises OSError, and leaves none then.

    An array may come in parts, which are written one after the other.
    """
    try:
        with path.open("xb") as file:
            file.write(MAGIC)
            placed = {name: _write(file, parts) for name, parts in arrays.items()}
            told = json.dumps({"schema": SCHEMA, "kind": kind, "arrays": placed, **facts}).encode()
            file.write(told + len(told).to_bytes(8, "little") + MAGIC)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise


def _write(file: Any, parts: Parts) -> dict[str, object]:
    """Write one array and return what the end of the file says of it."""
    file.write(b"\0" * (-file.tell() % ALIGNED))
    start, crc, kind = file.tell(), 0, "<u8"
    for part in [parts] if isinstance(parts, np.ndarray) else parts:
        kind = part.dtype.newbyteorder("<").str
        body = np.ascontiguousarray(part, dtype=kind).view(np.uint8).data
        crc = zlib.crc32(body, crc)
        file.write(body)
    return {"type": kind, "start": start, "bytes": file.tell() - start, "crc": crc}


class ArrayFile:
    """One file of arrays, mapped. Made by a reader of a store; the map goes with the last array
    that shows it, also when the file has been removed meanwhile.
    """

    def __init__(self, path: Path, kind: str) -> None:
        self.path = path
        self._map = _mapped(path)
        self.facts = _facts(path, self._map, kind)
        self._arrays: dict[str, dict[str, Any]] = self.facts["arrays"]

    def array(self, name: str) -> Array:
        """Return one array, one-dimensional, not to be written to."""
        try:
            place = self._arrays[name]
            kind = np.dtype(place["type"])
            count = place["bytes"] // kind.itemsize
            return np.frombuffer(self._map, dtype=kind, count=count, offset=place["start"])
        except (KeyError, TypeError, ValueError) as exc:
            raise BadStore(f"{self.path}: has no array {name!r}; restore it from a copy") from exc

    def check(self) -> None:
        """Read all and raise BadStore if a byte has changed since it was written."""
        for name, place in self._arrays.items():
            if zlib.crc32(self.array(name).view(np.uint8).data) != place["crc"]:
                raise BadStore(f"{self.path}: {name} is damaged; restore the file from a copy")


def _mapped(path: Path) -> mmap.mmap:
    try:
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError:
        raise BadStore(f"{path}: is empty; restore it from a copy") from None


def _facts(path: Path, body: mmap.mmap, kind: str) -> dict[str, Any]:
    """Return what the end of a file says. Raises BadStore for one that is no such file."""
    if body[:8] != MAGIC:
        raise BadStore(f"{path}: is no file of audiences; remove what does not belong here")
    size = int.from_bytes(body[-16:-8], "little")
    if body[-8:] != MAGIC or not 0 < size <= min(_MOST_JSON, len(body) - 24):
        raise BadStore(f"{path}: is cut off at {len(body):,} bytes; restore it from a copy")
    try:
        facts: dict[str, Any] = json.loads(body[-16 - size : -16])
        schema, found = facts["schema"], facts["kind"]
        fits = all(one["start"] + one["bytes"] <= len(body) for one in facts["arrays"].values())
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadStore(f"{path}: its last bytes cannot be read; restore it from a copy") from None
    if schema != SCHEMA:
        raise BadStore(f"{path}: schema {schema}, this version reads {SCHEMA}; update taglake")
    if found != kind or not fits:
        raise BadStore(f"{path}: holds {found!r}, not {kind!r}; restore it from a copy")
    return facts


@contextlib.contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Give a folder to write into that gets its name when all is on disk; removed on an error."""
    building = path.with_name(f"{path.name}.new")
    remove(building)
    building.mkdir(parents=True)
    try:
        yield building
        sync(building)
        building.rename(path)
    except BaseException:
        remove(building)
        raise
    sync(path.parent)


def replace_text(path: Path, text: str) -> None:
    """Replace a small file: readers see the old text or the new one. Raises OSError."""
    new = path.with_name(f"{path.name}.new")
    try:
        with new.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise
    sync(path.parent)


def sync(folder: Path) -> None:
    """Have a folder's names on disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove(path: Path) -> None:
    """Remove a file or a folder of files, if it is there."""
    if path.is_dir():
        for inside in path.iterdir():
            inside.unlink()
        path.rmdir()
    else:
        path.unlink(missing_ok=True)
