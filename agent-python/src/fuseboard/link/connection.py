"""HTTP to the operator, with the standard library."""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import SplitResult

from .files import read_file
from .fork import no_fork
from .limits import MAX_AUTHORITIES_BYTES, MAX_HEAD_BYTES, MAX_TOKEN_BYTES

_RECORD_BYTES = 16 * 1024
_LEAST_TRY_S = 1.0
"""How long an address is tried at least."""

_PRINTABLE = frozenset(chr(code) for code in range(0x21, 0x7F))


@dataclass(frozen=True)
class Endpoint:
    """Where the operator is, and what proves who is who."""

    url: SplitResult
    token_file: str | None = None
    """Read again for each connection, because the platform replaces it."""
    ca_file: str | None = None
    """The same. ``None``: the authorities of the machine."""

    @property
    def origin(self) -> str:
        return f"{self.url.scheme}://{self.url.netloc}"


class LinkError(Exception):
    """Something about the link is not as it must be; the text says what to do."""


class Allowance:
    """How long a connection may still take, and how much may still be read from it: a timeout of a socket begins again with each byte."""

    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self.renew(seconds)

    def renew(self, seconds: float, most_bytes: int = MAX_HEAD_BYTES) -> None:
        """Begin again, for what comes next."""
        self._seconds = seconds
        self._until = self._now() + seconds
        self.expect(most_bytes)

    def expect(self, most_bytes: int) -> None:
        """So much may be read from here on, in the time that is left."""
        self._most = most_bytes
        self._read = 0

    def left(self) -> float:
        """Seconds that are left. Raises ``TimeoutError`` when there are none."""
        left = self._until - self._now()
        if left <= 0:
            raise TimeoutError(f"it takes longer than {self._seconds:g} s")
        return left

    def note_read(self, length: int) -> None:
        """Raises ``HTTPException`` when more was read than may be."""
        self._read += length
        if self._read > self._most:
            raise http.client.HTTPException(f"its answer is longer than {self._most // 1024} KiB")


class _AllowedReader(io.RawIOBase):
    """Reads a socket within an allowance."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase, allowance: Allowance) -> None:
        self._sock = sock
        self._raw = raw
        self._allowance = allowance

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._allowance.left())
        length: int | None = self._raw.readinto(buffer)
        self._allowance.note_read(length or 0)
        return length

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, allowance: Allowance, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_AllowedReader(sock, self.fp.detach(), allowance))

    def _read_status(self) -> tuple[str, int, str]:
        """Every informational answer is skipped, as ``begin`` does with 100; the allowance bounds how many there may be."""
        version, status, reason = super()._read_status()  # type: ignore[misc]
        return version, http.client.CONTINUE if 100 <= status < 200 else status, reason


class Connection(http.client.HTTPConnection):
    """A connection whose every step is within ``allowance``.

    With TLS it proves the name that was asked for at first, whatever address is connected to now.
    """

    def __init__(self, target: SplitResult, seconds: float, secure: tuple[ssl.SSLContext, str] | None) -> None:
        self.default_port = http.client.HTTP_PORT if secure is None else http.client.HTTPS_PORT
        super().__init__(target.hostname or "", target.port)
        self.allowance = Allowance(seconds)
        self._target = _place(target)
        self._secure = secure
        self.response_class = partial(_Response, allowance=self.allowance)  # type: ignore[assignment]

    def is_for(self, target: SplitResult) -> bool:
        """Whether it leads there and is open."""
        return self._target == _place(target) and isinstance(self.sock, socket.socket)

    def connect(self) -> None:
        with no_fork():
            self.sock = self._opened()
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._secure is not None:
                context, name = self._secure
                self.sock.settimeout(self.allowance.left())
                self.sock = context.wrap_socket(self.sock, server_hostname=name)

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        sock = self.sock
        assert sock is not None
        # In pieces of a record of TLS: each has the whole timeout of the socket there.
        for at in range(0, len(data), _RECORD_BYTES):
            sock.settimeout(self.allowance.left())
            sock.sendall(data[at : at + _RECORD_BYTES])

    def _opened(self) -> socket.socket:
        """A socket to the first address that answers. Each has its share of the time, so that one that does not answer leaves some."""
        found = socket.getaddrinfo(self.host, self.port, 0, socket.SOCK_STREAM)
        failure: OSError | None = None
        for i, (family, kind, protocol, _, address) in enumerate(found):
            sock = socket.socket(family, kind, protocol)
            try:
                left = self.allowance.left()
                sock.settimeout(min(left, max(_LEAST_TRY_S, left / (len(found) - i))))
                sock.connect(address)
                return sock
            except OSError as error:
                failure = error
                sock.close()
            except BaseException:
                sock.close()
                raise
        raise failure or OSError(f"{self.host} has no address")


def _place(target: SplitResult) -> tuple[str, str | None, int]:
    default = http.client.HTTPS_PORT if target.scheme == "https" else http.client.HTTP_PORT
    return target.scheme, target.hostname, target.port or default


def connect(target: SplitResult, endpoint: Endpoint, seconds: float) -> Connection:
    """A connection to ``target``, not yet open. ``seconds``: how long connecting, asking and the head of the answer take at most."""
    if target.scheme != "https":
        return Connection(target, seconds, None)
    try:
        with no_fork():
            context = ssl.create_default_context(cadata=_authorities(endpoint.ca_file))
    except (OSError, ValueError) as error:
        raise LinkError(f"the certificate authority in {endpoint.ca_file} cannot be used: {error}") from error
    return Connection(target, seconds, (context, endpoint.url.hostname or ""))


def _authorities(path: str | None) -> str | None:
    """Certificates as text; bundles have comments in any language between them."""
    return (
        None
        if path is None
        else read_file(path, MAX_AUTHORITIES_BYTES).decode("ascii", "replace").replace("\ufffd", "?")
    )


def authorization(endpoint: Endpoint) -> Mapping[str, str]:
    """The header with the token as the file has it now; none without a token."""
    if endpoint.token_file is None:
        return {}
    try:
        token = read_file(endpoint.token_file, MAX_TOKEN_BYTES).decode("latin-1").strip()
    except OSError as error:
        raise LinkError(f"the token cannot be read: {error}") from error
    if not _PRINTABLE.issuperset(token):
        raise LinkError(f"the token in {endpoint.token_file} has characters that no token has")
    return {"authorization": f"Bearer {token}"} if token else {}


def path_of(target: SplitResult) -> str:
    """What the request line has."""
    path = target.path or "/"
    return f"{path}?{target.query}" if target.query else path


def hang_up(sock: socket.socket | None) -> None:
    """End a connection from another thread, so that a read in it ends at once."""
    if sock is None:
        return
    try:
        # On the plain socket: the one of TLS would wait for the peer.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
    except OSError:
        pass


def let_go(sock: socket.socket | None) -> None:
    """Close this process's copy of a connection that belongs to another process, without a message to the peer."""
    if sock is None:
        return
    try:
        handle = sock.detach()
        if handle >= 0:
            socket.close(handle)
    except OSError:
        pass


def describe(error: BaseException) -> str:
    """What went wrong, for people."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}; check FUSEBOARD_CA_FILE"
    return str(error) or type(error).__name__
