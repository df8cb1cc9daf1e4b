"""The file of last good policies."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlunsplit

from ..warning import WarningLog
from .files import UnusableFile, read_file
from .messages import is_stored_set, parse_json
from .policy_store import StoredSet, is_behind
from .settings import Settings
from .timers import Timers

MAGIC = "fuseboard last-good 1"
MAX_BYTES = 8 * 1024 * 1024
QUIET_MS = 250
RETRY_MS = 60_000


@dataclass(frozen=True)
class LastGoodRead:
    """What a read found: a set, nothing, or a file that must not be used."""

    stored: StoredSet | None = None
    problem: str | None = None


def last_good_path(settings: Settings) -> str | None:
    """The file of an agent: one for each operator, namespace, service and labels."""
    if settings.cache_dir is None or settings.url is None:
        return None
    labels = [list(each) for each in sorted(settings.labels.items())]
    identity = _json([urlunsplit(settings.url), settings.namespace or "", settings.service, labels])
    name = hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return os.path.join(settings.cache_dir, f"fuseboard-{name}.json")


def read_last_good(path: str, owner: int | None = None) -> LastGoodRead:
    """Read the file at once; it must belong to ``owner`` (absent: the user of this process). Never raises."""
    if owner is None and hasattr(os, "getuid"):
        owner = os.getuid()
    try:
        content = read_file(path, MAX_BYTES, lambda found: _why_not(found, owner), getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        return LastGoodRead()
    except UnusableFile as error:
        return LastGoodRead(problem=f"{error} and is not used")
    except OSError as error:
        return LastGoodRead(
            problem=f"{path} is a symbolic link and is not used" if os.path.islink(path) else str(error)
        )
    return _parse(content, path)


def _why_not(found: os.stat_result, owner: int | None) -> str | None:
    """Why a file is not used. Without users, as on Windows, only its kind and size count."""
    if owner is None:
        return None
    if found.st_uid != owner:
        return "belongs to another user"
    if found.st_nlink > 1:
        return "has more than one name"
    # Its group may write it: Kubernetes allows that in volumes with an fsGroup.
    return "can be written by everybody" if found.st_mode & 0o002 else None


def _parse(content: bytes, path: str) -> LastGoodRead:
    head, _, body = content.partition(b"\n")
    damaged = LastGoodRead(problem=f"{path} is damaged and is not used; it will be replaced")
    if head != f"{MAGIC} {hashlib.sha256(body).hexdigest()}".encode():
        return damaged
    try:
        stored = parse_json(body.decode("utf-8"))
    except ValueError:
        return damaged
    return LastGoodRead(stored) if isinstance(stored, dict) and is_stored_set(stored) else damaged


class LastGoodFile:
    """Keeps the newest set in a file, away from the calls: writes once things are quiet."""

    def __init__(self, path: str, timers: Timers, warn: WarningLog) -> None:
        self._path = path
        self._timers = timers
        self._warn = warn
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._pending: tuple[StoredSet, bool] | None = None
        self._cancel: Callable[[], None] = lambda: None
        self._has_warned = False

    def save(self, stored: StoredSet, is_reset: bool) -> None:
        """Remember a set; ``is_reset`` lets it replace a newer one."""
        with self._lock:
            before = self._pending is not None and self._pending[1]
            self._pending = (stored, is_reset or before)
            self._cancel()
            self._cancel = self._timers.after(QUIET_MS, self.flush)

    def flush(self) -> None:
        """Write what is pending; return when it is on the disk, or that failed with a warning and is tried again later."""
        with self._writing:
            with self._lock:
                self._cancel()
                pending, self._pending = self._pending, None
            if pending is None:
                return
            try:
                self._write(*pending)
                self._has_warned = False
            except (OSError, ValueError) as error:
                if not self._has_warned:
                    self._warn(f"the last good policies cannot be kept: {error}")
                self._has_warned = True
                self._keep(*pending)

    def _keep(self, stored: StoredSet, is_reset: bool) -> None:
        """Write it later, or with the end of the link: a full disk is not full for ever, and another set may not come for days."""
        with self._lock:
            if self._pending is None:
                self._pending = (stored, is_reset)
                self._cancel = self._timers.after(RETRY_MS, self.flush)
            elif is_reset:
                self._pending = (self._pending[0], True)

    def _write(self, stored: StoredSet, is_reset: bool) -> None:
        body = _json(stored).encode("utf-8")
        os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
        if not is_reset and self._holds_newer(stored):
            return
        temporary = f"{self._path}.{os.getpid()}.{os.urandom(6).hex()}.tmp"
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o600)
        try:
            with open(handle, "wb") as file:
                file.write(f"{MAGIC} {hashlib.sha256(body).hexdigest()}\n".encode() + body)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self._path)
        except BaseException:
            try:
                os.unlink(temporary)
            except OSError:
                pass
            raise

    def _holds_newer(self, stored: StoredSet) -> bool:
        held = read_last_good(self._path).stored
        return held is not None and is_behind(stored["asOf"], held["asOf"])


def _json(value: object) -> str:
    """As JSON.stringify writes it; half a surrogate pair, which has no bytes, is escaped."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if not text.isascii() else text
