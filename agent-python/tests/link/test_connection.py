"""What an operator that means harm, or is broken, may take of a connection: time and bytes, whatever it sends."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from itertools import repeat
from threading import Event

import pytest

from fuseboard.link import reporter
from fuseboard.link import stream as stream_module
from fuseboard.link.connection import Allowance, Endpoint, connect
from fuseboard.link.limits import MAX_HEAD_BYTES
from fuseboard.link.stream import Stream
from fuseboard.warning import WarningLog
from scripted_operator import eventually

from .hostile_server import HostileServer, hostile_server

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def ticking() -> Iterator[float]:
    """A clock on which each look takes a second."""
    now = 0.0
    while True:
        now += 1
        yield now


def exchange(server: HostileServer, is_time_short: bool = False) -> int:
    target = server.url._replace(path="/v1/report")
    connection = connect(target, Endpoint(server.url), 60)
    if is_time_short:
        connection.allowance._now = ticking().__next__
    try:
        return reporter._exchange(connection, target, {}, b"{}", 60)
    finally:
        connection.close()


def test_an_allowance_is_for_all_that_is_read_in_its_time() -> None:
    now = 0.0
    allowance = Allowance(8, lambda: now)
    allowance.note_read(MAX_HEAD_BYTES)
    now = 7.5
    assert allowance.left() == 0.5
    allowance.expect(10)
    allowance.note_read(10)
    with pytest.raises(HTTPException, match="longer than"):
        allowance.note_read(1)
    now = 8
    with pytest.raises(TimeoutError, match="longer than 8 s"):
        allowance.left()
    allowance.renew(8)
    assert allowance.left() == 8


@pytest.mark.parametrize(
    "endless",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n",
        b"HTTP/1.1 199 Whatever\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n" + b"x: y\r\n" * 90 + b"z" * 65_000,
    ],
)
def test_an_endless_head_is_not_read_to_its_end(endless: bytes) -> None:
    with hostile_server(repeat(endless)) as server, pytest.raises(HTTPException, match="longer than 64 KiB"):
        exchange(server)


def test_an_endless_end_of_a_chunked_answer_is_not_read() -> None:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n"

    def pieces() -> Iterator[bytes]:
        yield head
        yield from repeat(b"trailer: x\r\n" * 1_000)

    with hostile_server(pieces()) as server, pytest.raises(HTTPException, match="longer than"):
        exchange(server)


def test_drops_of_a_head_do_not_prolong_the_time_for_all_of_it() -> None:
    def drops() -> Iterator[bytes]:
        yield b"HTTP/1.1 204 No Content\r\nx: "
        yield from repeat(b"x")

    with hostile_server(drops()) as server, pytest.raises(TimeoutError, match="longer than 60 s"):
        exchange(server, is_time_short=True)


def test_the_answer_is_the_one_after_informational_ones() -> None:
    answer = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n"
    with hostile_server([answer]) as server:
        assert exchange(server) == 503


def test_an_address_that_does_not_answer_leaves_time_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    with hostile_server([b"HTTP/1.1 204 No Content\r\n\r\n"]) as server:
        timeouts: list[float] = []

        class Socket(socket.socket):
            def connect(self, address: object) -> None:
                timeouts.append(self.gettimeout() or 0)
                if len(timeouts) == 1:
                    raise TimeoutError("timed out")
                super().connect(address)  # type: ignore[arg-type]

        kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        addresses = [(*kind, ("127.0.0.1", 9)), (*kind, ("127.0.0.1", server.url.port))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args: addresses)
        monkeypatch.setattr(socket, "socket", Socket)
        assert exchange(server) == 204
        assert timeouts[0] == pytest.approx(30, abs=5) and timeouts[1] == pytest.approx(60, abs=5)


def chunks(text: str) -> bytes:
    return b"%x\r\n%s\r\n" % (len(text.encode()), text.encode())


@contextmanager
def stream_of(server: HostileServer, warnings: list[str]) -> Iterator[Stream]:
    stream = Stream(
        Endpoint(server.url),
        query=dict,
        resume_from=lambda: None,
        received=lambda message: None,
        closed=lambda: None,
        warn=WarningLog(warnings.append),
        now=lambda: 0.0,
        random=lambda: 1.0,
    )
    try:
        yield stream
    finally:
        stream.stop()


@pytest.mark.parametrize(
    ("pieces", "reason"),
    [
        (repeat(b"HTTP/1.1 100 Continue\r\n\r\n"), "longer than 64 KiB"),
        ([HEAD, b"0\r\n", *[b"trailer: x\r\n" * 20_000] * 3], "longer than 256 KiB"),
    ],
)
def test_a_stream_that_never_comes_to_its_events_is_given_up(pieces: Iterable[bytes], reason: str) -> None:
    warnings: list[str] = []
    with hostile_server(pieces) as server, stream_of(server, warnings) as stream:
        stream.start()
        eventually(lambda: any(reason in each for each in warnings))


def test_a_stream_with_too_much_work_is_read_slowly_also_within_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float | None] = []

    class Wake(Event):
        def wait(self, timeout: float | None = None) -> bool:
            pauses.append(timeout)
            return False

    in_sync = 'event: insync\ndata: {"revision":"r","now":1}\n\n'
    hello = 'event: hello\ndata: {"protocol":1,"heartbeatMs":15000}\n\n'
    # Every look at the clock of the thread takes 100 ms of it.
    times = iter(range(1_000_000))
    monkeypatch.setattr(stream_module, "thread_time", lambda: next(times) / 10)
    with hostile_server([HEAD, chunks(hello + in_sync * 99)]) as server, stream_of(server, []) as stream:
        stream._wake = Wake()
        stream.start()
        # 2 s at once are free; then work is followed by a pause that is ten times as long.
        eventually(lambda: len(pauses) >= 80)
    assert pauses[:2] == [pytest.approx(1), pytest.approx(2)]
