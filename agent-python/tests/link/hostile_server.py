"""A server that answers whatever a test says, for as long as somebody reads it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from socket import create_server, socket
from threading import Thread
from urllib.parse import SplitResult, urlsplit


@dataclass
class HostileServer:
    url: SplitResult
    sent: int = 0
    """How many bytes somebody took."""
    requests: int = 0


@contextmanager
def hostile_server(*answers: Iterable[bytes]) -> Iterator[HostileServer]:
    """Give each connection the next answer, the last one to all others; every request begins with the next piece of it."""
    listener = create_server(("127.0.0.1", 0))
    server = HostileServer(urlsplit(f"http://127.0.0.1:{listener.getsockname()[1]}/"))

    def serve(sock: socket, pieces: Iterable[bytes]) -> None:
        with sock:
            try:
                sock.recv(65_536)
                server.requests += 1
                for piece in pieces:
                    sock.sendall(piece)
                    server.sent += len(piece)
                while sock.recv(65_536):
                    server.requests += 1
            except OSError:
                pass

    def accept() -> None:
        rest = list(answers)
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            pieces = rest.pop(0) if len(rest) > 1 else rest[0]
            Thread(target=serve, args=(sock, pieces), daemon=True).start()

    thread = Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        # Accepting in another thread does not end with the listener.
        listener.shutdown(2)
        listener.close()
        thread.join(30)
