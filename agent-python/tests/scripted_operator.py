"""An operator that says what a conversation says, byte for byte."""

from __future__ import annotations

import json
import queue
import socket
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

WAIT_S = 20.0


def eventually(holds: Callable[[], bool], what: str = "it") -> None:
    """Return as soon as ``holds``; fail after some 20 s."""
    until = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < until, f"{what} did not come about"
        time.sleep(0.002)


class AgentStream:
    """A stream that the agent asked for."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        self._socket: socket.socket = handler.connection
        self._is_answered = False
        self.path = urlsplit(handler.path).path
        self.query = dict(parse_qsl(urlsplit(handler.path).query, keep_blank_values=True))
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        self.over = threading.Event()

    @property
    def last_event_id(self) -> str | None:
        return self.headers.get("last-event-id")

    def refuse(self, status: int, headers: Mapping[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} Refused", *(f"{name}: {value}" for name, value in headers.items())]
        self._write("\r\n".join([*lines, "content-length: 0", "connection: close", "", ""]))
        self.over.set()

    def send(self, text: str) -> None:
        if not self._is_answered:
            self._is_answered = True
            head = ["HTTP/1.1 200 OK", "content-type: text/event-stream", "transfer-encoding: chunked", "", ""]
            self._write("\r\n".join(head))
        body = f"{text}\n".encode()
        self._socket.sendall(b"%x\r\n%s\r\n" % (len(body), body))

    def cut(self) -> None:
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.over.set()

    def wait_until_hung_up(self) -> None:
        self._socket.settimeout(WAIT_S)
        try:
            assert self._socket.recv(1) == b"", "the agent sent something on the stream"
        except ConnectionError:
            pass
        self.over.set()

    def _write(self, text: str) -> None:
        self._socket.sendall(text.encode())


class ScriptedOperator:
    """Listens on 127.0.0.1; ``reports`` are those that were answered 204, as ``(path, report)``."""

    def __init__(self) -> None:
        self.streams: queue.Queue[AgentStream] = queue.Queue()
        self.reports: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()
        self.answers: list[int] = []
        self._open: list[AgentStream] = []
        operator = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                stream = AgentStream(self)
                operator._open.append(stream)
                operator.streams.put(stream)
                stream.over.wait()
                self.close_connection = True

            def do_POST(self) -> None:
                report = json.loads(self.rfile.read(int(self.headers["content-length"])))
                status = operator.answers.pop(0) if operator.answers else 204
                if status == 204:
                    operator.reports.put((urlsplit(self.path).path, report))
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Tests say themselves what happened."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        for stream in self._open:
            stream.cut()
        self._server.shutdown()
        self._server.server_close()
