"""An operator for tests."""

from __future__ import annotations

import hashlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ..link.bootstrap import routes_of
from ..link.limits import PROTOCOL

Frames = Iterable[tuple[str, object]]


@dataclass(frozen=True)
class FakeStream:
    """A stream that an agent asked for."""

    query: Mapping[str, str]
    """What the agent introduced itself with."""
    headers: Mapping[str, str]
    """By names in lower case."""

    @property
    def resumed_from(self) -> str | None:
        """The Last-Event-ID that the agent sent."""
        return self.headers.get("last-event-id")


class FakeControlPlane:
    """A real server on 127.0.0.1 that speaks the protocol, pushes what the test says and records what agents report.

    ``start(url=plane.url)`` connects the agent of the process to it. ``port``: absent, a free one. ``heartbeat_ms``: what agents
    are told; heartbeats themselves are sent by ``heartbeat()`` only. ``tls``: files of a certificate for ``localhost`` and its
    key; absent, plain text. ``report_url``: where agents are told to report; absent, here. Also a context manager.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        heartbeat_ms: int = 15_000,
        tls: tuple[str, str] | None = None,
        report_url: str | None = None,
    ) -> None:
        self.reports: list[dict[str, Any]] = []
        """Every part of every report that was answered with 204, in order."""
        self.connections: list[FakeStream] = []
        """Every stream that was asked for, in order; refused ones too."""
        self._heartbeat_ms = heartbeat_ms
        self._report_url = report_url
        self._policies: dict[str, dict[str, Any]] = {}
        self._held: set[str] = set()
        self._overrides: list[dict[str, Any]] = []
        self._version = 1_000
        self._stream_answer: tuple[int, Mapping[str, str]] | None = None
        self._report_answers: list[int] = []
        self._changed = threading.Condition(threading.RLock())
        self._open: dict[socket.socket, threading.Event] = {}
        self._scheme = "http" if tls is None else "https"
        self._server = _Server(("127.0.0.1", port), self._handler())
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="fuseboard-fake-control-plane", daemon=True
        ).start()

    @property
    def url(self) -> str:
        """What FUSEBOARD_URL would be."""
        name = "127.0.0.1" if self._scheme == "http" else "localhost"
        return f"{self._scheme}://{name}:{self._server.server_address[1]}"

    @property
    def streams(self) -> int:
        """How many streams are open now."""
        return len(self._open)

    @property
    def revision(self) -> str:
        """The revision of what was pushed last."""
        content = json.dumps([list(self._policies.values()), sorted(self._held), self._overrides])
        return hashlib.sha256(content.encode()).hexdigest()[:32]

    def push(self, policies: Mapping[str, Mapping[str, Any]]) -> None:
        """Replace all policies, specs by the names of their policies, and push them to every stream. Pushes an empty set too."""
        with self._changed:
            before, self._policies = self._policies, {}
            for name, spec in policies.items():
                known = before.get(name)
                generation = 1 if known is None else known["generation"] + (known["spec"] != spec)
                fields = {"uid": f"uid-{name}", "generation": generation, "name": name, "spec": dict(spec)}
                self._policies[name] = fields
            self._held.clear()
            self._publish()

    def hold(self, name: str) -> None:
        """Say of a policy that its newest generation cannot be used: agents keep what they run."""
        with self._changed:
            self._policies[name] = {**self._policies[name], "generation": self._policies[name]["generation"] + 1}
            self._held.add(name)
            self._publish()

    def override(self, overrides: Iterable[Mapping[str, Any]]) -> None:
        """Replace all overrides: each ``{name, breakers, action, reason?, seconds?}`` lasts ``seconds`` from now (absent: 600)."""
        now = _wall_ms()
        with self._changed:
            self._overrides = [
                {
                    "uid": f"uid-{each['name']}",
                    "name": each["name"],
                    "breakers": list(each["breakers"]),
                    "action": each["action"],
                    "reason": each.get("reason", "a test"),
                    "createdAt": now + i,
                    "expiresAt": now + round(each.get("seconds", 600) * 1_000),
                }
                for i, each in enumerate(overrides)
            ]
            self._publish()

    def heartbeat(self) -> None:
        self.send_events([("heartbeat", {"asOf": self._as_of(), "now": _wall_ms()})])

    def goaway(self, reconnect_after_ms: int = 0) -> None:
        self.send_events([("goaway", {"reconnectAfterMs": reconnect_after_ms})])

    def send_events(self, frames: Frames) -> None:
        """Write events to every stream."""
        self.send("".join(_frame(event, content) for event, content in frames).encode())

    def send(self, content: bytes) -> None:
        """Write bytes to every stream as they are: garbage, half an event, what no operator would send."""
        with self._changed:
            for sock in list(self._open):
                _write(sock, content)

    def cut(self) -> None:
        """Cut every stream."""
        with self._changed:
            for sock, over in self._open.items():
                _shut(sock)
                over.set()

    def answer_streams(self, status: int | None = None, headers: Mapping[str, str] | None = None) -> None:
        """Answer streams with this status from now on; without one, by the protocol again."""
        self._stream_answer = None if status is None else (status, headers or {})

    def answer_reports(self, *statuses: int) -> None:
        """Answer the next reports with these statuses, one each, for example 421; then with 204 again."""
        self._report_answers = list(statuses)

    def until(self, holds: Callable[[FakeControlPlane], bool], timeout: float = 20) -> None:
        """Return as soon as ``holds``; looked at after everything that an agent does. Raises ``TimeoutError`` after so many seconds."""
        with self._changed:
            if not self._changed.wait_for(lambda: holds(self), timeout):
                raise TimeoutError(f"no agent did this within {timeout} s; the last report was {self.reports[-1:]}")

    def stop(self) -> None:
        """End every stream and close the port."""
        self.cut()
        self._server.shutdown()
        self._server.server_close()
        self._server.end_connections()

    def __enter__(self) -> FakeControlPlane:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        plane = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                plane._stream(self)
                self.close_connection = True

            def do_POST(self) -> None:
                plane._report(self)

            def log_message(self, format: str, *args: object) -> None:
                """Tests say themselves what happened."""

        return Handler

    def _stream(self, request: BaseHTTPRequestHandler) -> None:
        url = urlsplit(request.path)
        if url.path != "/v1/stream":
            _refuse(request, 404, {})
            return
        headers = {name.lower(): value for name, value in request.headers.items()}
        stream = FakeStream(dict(parse_qsl(url.query, keep_blank_values=True)), headers)
        over = threading.Event()
        with self._changed:
            self.connections.append(stream)
            answer = self._stream_answer
            if answer is None:
                self._greet(request, stream)
                self._open[request.connection] = over
            self._changed.notify_all()
        if answer is not None:
            _refuse(request, *answer)
            return
        self._wait(request.connection, over)
        with self._changed:
            self._open.pop(request.connection, None)
            self._changed.notify_all()

    def _wait(self, sock: socket.socket, over: threading.Event) -> None:
        """An agent sends nothing on a stream but its end."""
        try:
            while not over.is_set() and sock.recv(1_024):
                pass
        except OSError:
            pass

    def _greet(self, request: BaseHTTPRequestHandler, stream: FakeStream) -> None:
        request.send_response(200)
        request.send_header("content-type", "text/event-stream")
        request.send_header("cache-control", "no-store")
        request.send_header("connection", "close")
        request.end_headers()
        hello: dict[str, object] = {"protocol": PROTOCOL, "heartbeatMs": self._heartbeat_ms}
        if self._report_url is not None:
            hello["reportUrl"] = self._report_url
        revision = self.revision
        if stream.resumed_from == revision:
            in_sync = {"revision": revision, "asOf": self._as_of(), "now": _wall_ms()}
            rest = _frame("insync", in_sync)
        else:
            rest = self._snapshot()
        _write(request.connection, (_frame("hello", hello) + rest).encode())

    def _report(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["content-length"]))
        with self._changed:
            status = self._report_answers.pop(0) if self._report_answers else 204
            if status == 204:
                self.reports.append(json.loads(body))
            request.send_response(status)
            request.send_header("content-length", "0")
            request.end_headers()
            self._changed.notify_all()

    def _publish(self) -> None:
        self._version += 1
        self.send(self._snapshot().encode())

    def _snapshot(self) -> str:
        revision = self.revision
        policies = [
            {name: value for name, value in each.items() if name != "spec"} | {"hold": True}
            if each["name"] in self._held
            else each
            for each in self._policies.values()
        ]
        resources = [
            {"metadata": {"name": each["name"], "uid": each["uid"]}, "spec": each["spec"]}
            for each in self._policies.values()
        ]
        frames: list[tuple[str, object]] = [
            ("begin", {"kind": "snapshot", "revision": revision, "asOf": self._as_of(), "now": _wall_ms()}),
            *(("policy", each) for each in policies),
            *(("override", each) for each in self._overrides),
            ("routes", routes_of(resources)),
            ("commit", {"revision": revision}),
        ]
        return "".join(_frame(event, content) for event, content in frames)

    def _as_of(self) -> dict[str, str]:
        return {"policies": str(self._version)}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    # With the usual 5 the kernel drops connections when many processes connect while this one is slow to accept.
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._connections: set[socket.socket] = set()
        super().__init__(address, handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        sock, address = super().get_request()
        self._connections.add(sock)
        return sock, address

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """An agent that went away is what many tests are about."""

    def end_connections(self) -> None:
        for sock in list(self._connections):
            _shut(sock)


def _wall_ms() -> int:
    return round(time.time() * 1_000)


def _frame(event: str, content: Any) -> str:
    id = f"id: {content['revision']}\n" if event == "commit" else ""
    return f"event: {event}\n{id}data: {json.dumps(content, separators=(',', ':'))}\n\n"


def _write(sock: socket.socket, content: bytes) -> None:
    try:
        sock.sendall(content)
    except OSError:
        # The agent is gone; its stream is about to be forgotten.
        pass


def _shut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def _refuse(request: BaseHTTPRequestHandler, status: int, headers: Mapping[str, str]) -> None:
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name, value)
    request.send_header("content-length", "0")
    request.send_header("connection", "close")
    request.end_headers()
