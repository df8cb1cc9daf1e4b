"""HTTP to the operator, with the standard library."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult

from .fork import no_fork

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


class _Connection(http.client.HTTPConnection):
    def connect(self) -> None:
        with no_fork():
            super().connect()


class _SecureConnection(http.client.HTTPSConnection):
    """Proves the name that was asked for at first, whatever address is connected to now."""

    def __init__(self, host: str, port: int | None, timeout: float, context: ssl.SSLContext, name: str) -> None:
        super().__init__(host, port, timeout=timeout, context=context)
        self._secure = context
        self._name = name

    def connect(self) -> None:
        with no_fork():
            http.client.HTTPConnection.connect(self)
            self.sock = self._secure.wrap_socket(self.sock, server_hostname=self._name)


def connect(target: SplitResult, endpoint: Endpoint, timeout: float) -> http.client.HTTPConnection:
    """A connection to ``target``, not yet open. ``timeout`` in seconds is that of each read and write."""
    host, port = target.hostname or "", target.port
    if target.scheme != "https":
        return _Connection(host, port, timeout=timeout)
    try:
        with no_fork():
            context = ssl.create_default_context(cafile=endpoint.ca_file)
    except (OSError, ValueError) as error:
        raise LinkError(f"the certificate authority in {endpoint.ca_file} cannot be used: {error}") from error
    return _SecureConnection(host, port, timeout, context, endpoint.url.hostname or "")


def authorization(endpoint: Endpoint) -> Mapping[str, str]:
    """The header with the token as the file has it now; none without a token."""
    if endpoint.token_file is None:
        return {}
    try:
        token = Path(endpoint.token_file).read_text("latin-1").strip()
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
