"""Files that somebody else may have put there."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable


class UnusableFile(OSError):
    """A file is not one that is read; the text says why."""


def read_file(
    path: str, most: int, why_not: Callable[[os.stat_result], str | None] | None = None, flags: int = 0
) -> bytes:
    """Read a regular file at once, however it is changed meanwhile: a pipe or a device in its place blocks nothing and fills nothing.

    ``most``: how many bytes it may have. ``why_not`` gives a further reason not to read it. ``flags`` are further ones of
    ``os.open``. Raises ``UnusableFile`` for a file that is not read, and other ``OSError``.
    """
    flags |= getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(path, os.O_RDONLY | flags)
    try:
        found = os.fstat(handle)
        reason = None if stat.S_ISREG(found.st_mode) else "is not a file"
        if reason is None and why_not is not None:
            reason = why_not(found)
        if reason is not None:
            raise UnusableFile(f"{path} {reason}")
        content = b"" if found.st_size > most else _read(handle, most + 1)
        if max(found.st_size, len(content)) > most:
            raise UnusableFile(f"{path} is larger than {_in_words(most)}")
        return content
    finally:
        os.close(handle)


def _read(handle: int, most: int) -> bytes:
    with open(handle, "rb", closefd=False) as file:
        return file.read(most)


def _in_words(size: int) -> str:
    return f"{size // 2**20} MiB" if size >= 2**20 else f"{size // 2**10} KiB"
