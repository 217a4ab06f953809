"""One writer at a time: a lock file that the operating system frees when its holder dies."""

import fcntl
import json
import os
import socket
from io import TextIOWrapper
from pathlib import Path

from lake.errors import Misplaced


class WriterLock:
    """The right to write into one lake. `take` it (again and again is fine), `free` it at the end.

    The lock is the operating system's (`flock`), the file's text only says who holds it: a crashed
    holder leaves text behind, never a lock. Readers never look at it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIOWrapper | None = None

    def take(self) -> None:
        """Take the lock or raise Misplaced, which names the holder."""
        if self._file is not None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as busy:
            file.close()
            raise Misplaced("locked", f"{self._path} is held by {self._holder()}") from busy
        file.truncate(0)
        file.write(json.dumps({"process": os.getpid(), "host": socket.gethostname()}))
        file.flush()
        self._file = file

    def _holder(self) -> str:
        try:
            holder = json.loads(self._path.read_text(encoding="utf-8"))
            return f"process {holder['process']} on {holder['host']}; stop it or write through it"
        except (OSError, ValueError, KeyError, TypeError):
            return "another process"

    def free(self) -> None:
        """Let go; harmless if it was never taken."""
        if self._file is not None:
            self._file.close()
            self._file = None
