"""Sessions of accounts at rest: one file, readable by us alone, each encrypted with its account's
own secret.

Who has the file without the secrets has nothing; who loses the file logs in again.
"""

import asyncio
import base64
import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ingestor.sources.sessions import Session

SALT_BYTES = 16


class _Entry(msgspec.Struct, frozen=True):
    salt: str  # base64
    token: str  # Fernet


_entries = msgspec.json.Decoder(dict[str, _Entry])


class SessionFile:
    """A store of sessions by account that outlives the process; sources get it when they are made.

    secret_of: returns an account's secret, None if it has none; its sessions are then not kept. A
    changed secret makes the stored session unreadable, which is what a changed password should do.
    """

    def __init__(self, path: Path, *, secret_of: Callable[[str], str | None]) -> None:
        self._path = path
        self._secret_of = secret_of
        self._lock = asyncio.Lock()

    async def get(self, account: str) -> Session | None:
        """Return the account's session, None if there is none that its secret opens."""
        entry = self._read().get(account)
        secret = self._secret_of(account)
        if entry is None or secret is None:
            return None
        try:
            plain = _box(secret, account, base64.b64decode(entry.salt)).decrypt(entry.token)
            return msgspec.json.decode(plain, type=Session)
        except (InvalidToken, ValueError):
            return None

    async def put(self, account: str, session: Session | None) -> None:
        """Keep the account's session, or forget it with None; on disk when this returns."""
        secret = self._secret_of(account)
        async with self._lock:
            entries = self._read()
            entries.pop(account, None)
            if session is not None and secret is not None:
                entries[account] = _seal(secret, account, session)
            await asyncio.to_thread(self._write, msgspec.json.encode(entries))

    def _read(self) -> dict[str, _Entry]:
        try:
            return _entries.decode(self._path.read_bytes())
        except (FileNotFoundError, msgspec.DecodeError):  # a damaged file costs a log-in, no more
            return {}

    def _write(self, body: bytes) -> None:
        """Replace the file in one step; nobody else can read it at any moment."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_name(self._path.name + ".new")
        with contextlib.suppress(FileNotFoundError):
            fresh.unlink()
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)


def _seal(secret: str, account: str, session: Session) -> _Entry:
    salt = os.urandom(SALT_BYTES)
    token = _box(secret, account, salt).encrypt(msgspec.json.encode(session))
    return _Entry(base64.b64encode(salt).decode(), token.decode())


def _box(secret: str, account: str, salt: bytes) -> Fernet:
    # The account in `info`: one secret used for two accounts still gives two keys.
    info = f"taglake session {account}".encode()
    key = HKDF(algorithm=SHA256(), length=32, salt=salt, info=info).derive(secret.encode())
    return Fernet(base64.urlsafe_b64encode(key))
