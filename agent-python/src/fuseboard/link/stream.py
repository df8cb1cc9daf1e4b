"""The long-lived request that policies come over."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Mapping
from time import thread_time
from urllib.parse import urlencode

from ..clock.work_budget import WorkBudget
from ..core.text import number_text
from ..warning import WarningLog
from .backoff import Backoff
from .connection import Allowance, Endpoint, LinkError, authorization, connect, describe, hang_up, let_go, path_of
from .event_stream import EventDecoder, Fault
from .limits import PROTOCOL
from .messages import Message, read_message

FIRST_BYTE_S = 15.0
HEARTBEAT_MS = 15_000
SILENT_HEARTBEATS = 3
HEALTHY_MS = 60_000
GREATEST_RETRY_AFTER_MS = 300_000
SPREAD_MS = 1_000
# How long nodes may still lead to a replica that has sent its agents away.
MOVE_MS = 15_000
MAX_WARNINGS = 20
CHUNK_BYTES = 64 * 1024
MAX_READ_BYTES = 4 * CHUNK_BYTES
"""What a read of a chunk may take from the connection: also its head, and the end of the stream."""


class _Ended(Exception):
    """The stream ended; ``reason`` is for people, ``at_least_ms`` how long to stay away at least."""

    def __init__(self, reason: str | None, at_least_ms: float = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.at_least_ms = at_least_ms


class Stream:
    """Reads the stream in a daemon thread of its own; connects again for ever.

    ``received`` is called with each message; a text that it returns is the reason to connect again. ``closed`` is called when a stream
    that was open is not any more. Each distinct problem is warned of once, until the stream has been healthy for a minute. While
    the operator's replica changes at its own request, only what lasts longer than 15 s is a problem.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        query: Callable[[], Mapping[str, str]],
        resume_from: Callable[[], str | None],
        received: Callable[[Message], str | None],
        closed: Callable[[], None],
        warn: WarningLog,
        now: Callable[[], float],
        random: Callable[[], float],
    ) -> None:
        self._endpoint = endpoint
        self._query = query
        self._resume_from = resume_from
        self._received = received
        self._closed = closed
        self._warn = warn
        self._now = now
        self._random = random
        self._backoff = Backoff(random)
        self._warned: set[str] = set()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._sock: socket.socket | None = None
        self._stopped = False
        self._reconnect_reason: str | None = None
        self._opened_at: float | None = None
        self._move_ends = float("-inf")
        self._heartbeat_ms = HEARTBEAT_MS
        # It spans all streams, because a new one must not reset it.
        self._budget = WorkBudget()

    def start(self) -> None:
        threading.Thread(target=self._run, name="fuseboard-stream", daemon=True).start()

    def reconnect(self, reason: str) -> None:
        """Give up the stream that is open and connect again after the usual wait."""
        with self._lock:
            if self._sock is None or self._stopped:
                return
            self._reconnect_reason = reason
            hang_up(self._sock)

    def stop(self) -> None:
        """End the stream for good. Does not wait for its thread."""
        with self._lock:
            self._stopped = True
            hang_up(self._sock)
        self._wake.set()

    def let_go(self) -> None:
        """In a forked child: the connection is the parent's."""
        self._stopped = True
        let_go(self._sock)
        self._sock = None

    def _run(self) -> None:
        while not self._stopped:
            self._wake.wait(self._connect() / 1_000)

    def _connect(self) -> float:
        """Open the stream and read it to its end; return how many milliseconds to stay away."""
        at_least_ms = 0.0
        try:
            self._read()
            reason: str | None = "the stream ended"
        except _Ended as ended:
            reason, at_least_ms = ended.reason, ended.at_least_ms
        except Fault as fault:
            reason = str(fault)
        except TimeoutError:
            reason = self._silence()
        except (OSError, http.client.HTTPException, LinkError, ValueError) as error:
            reason = describe(error)
        except (Exception, SystemExit) as error:
            reason = f"this agent failed: {type(error).__name__}: {error}"
        self._end(reason)
        # The operator gave this process a turn at that time; a backoff on top of it would only delay it.
        return at_least_ms + self._random() * SPREAD_MS if at_least_ms > 0 else self._backoff.next()

    def _silence(self) -> str:
        if self._opened_at is None:
            return f"it does not answer for {FIRST_BYTE_S:g} s"
        return f"it is silent for {number_text(SILENT_HEARTBEATS * self._heartbeat_ms / 1_000)} s"

    def _end(self, reason: str | None) -> None:
        with self._lock:
            self._sock = None
            reason, self._reconnect_reason = self._reconnect_reason or reason, None
        opened_at, self._opened_at = self._opened_at, None
        self._heartbeat_ms = HEARTBEAT_MS
        if opened_at is not None:
            if self._now() - opened_at >= HEALTHY_MS:
                self._backoff.reset()
                self._warned.clear()
            self._closed()
        if reason is None or self._stopped or reason in self._warned or len(self._warned) >= MAX_WARNINGS:
            return
        if self._now() < self._move_ends:
            return
        self._warned.add(reason)
        self._warn(f"no policies from {self._endpoint.origin}: {reason}")

    def _read(self) -> None:
        endpoint = self._endpoint
        headers = {"accept": "text/event-stream", "cache-control": "no-store", **authorization(endpoint)}
        resume = self._resume_from()
        if resume is not None:
            headers["last-event-id"] = resume
        target = endpoint.url._replace(path=f"{endpoint.url.path}v1/stream", query=urlencode(self._query()))
        connection = connect(target, endpoint, FIRST_BYTE_S)
        try:
            connection.connect()
            with self._lock:
                if self._stopped:
                    return
                self._sock = connection.sock
            connection.request("GET", path_of(target), headers=headers)
            with connection.getresponse() as response:
                self._check(response)
                self._read_events(connection.allowance, response)
        finally:
            connection.close()

    def _check(self, response: http.client.HTTPResponse) -> None:
        status, kind = response.status, response.getheader("content-type") or "no content type"
        if status == 200 and kind.startswith("text/event-stream"):
            return
        if status == 503:
            raise _Ended("it is not ready (503)", _retry_after_ms(response.getheader("retry-after")))
        if status in (401, 403):
            hint = "check FUSEBOARD_TOKEN_FILE and its audience"
            raise _Ended(f"it refuses the token of this process ({status}); {hint}")
        if 300 <= status < 400:
            hint = "set FUSEBOARD_URL to the operator itself"
            raise _Ended(f"it redirects ({status}), which is not followed; {hint}")
        hint = "check that FUSEBOARD_URL is the operator's"
        raise _Ended(f"it answers {status} with {kind}, not an event stream; {hint}")

    def _read_events(self, allowance: Allowance, response: http.client.HTTPResponse) -> None:
        decoder = EventDecoder()
        while not self._stopped:
            allowance.renew(SILENT_HEARTBEATS * self._heartbeat_ms / 1_000, MAX_READ_BYTES)
            began = thread_time()
            chunk = response.read1(CHUNK_BYTES)
            if not chunk:
                return
            for event in decoder.decode(chunk):
                message = read_message(event)
                if message is not None:
                    self._take(message)
                # What a chunk holds may be a lot of work.
                began = self._rest_after(began)
                if self._stopped:
                    return
            self._rest_after(began)

    def _rest_after(self, began: float) -> float:
        """Pause when messages took too much CPU time of this thread; return the time of the next measurement."""
        pause_ms = self._budget.spend((thread_time() - began) * 1_000, self._now())
        if pause_ms > 0:
            self._wake.wait(pause_ms / 1_000)
        return thread_time()

    def _take(self, message: Message) -> None:
        kind = message["type"]
        if kind == "hello":
            # Each one makes reports go somewhere else.
            if self._opened_at is not None:
                raise _Ended('it says "hello" twice on one stream')
            if message["protocol"] != PROTOCOL:
                spoken = message["protocol"]
                raise _Ended(f"it speaks protocol {spoken} and this agent {PROTOCOL}; install a newer fuseboard")
            self._opened_at = self._now()
            self._heartbeat_ms = min(max(int(message["heartbeatMs"]), 100), 300_000)
        elif kind == "goaway":
            wait_ms = min(message["reconnectAfterMs"], GREATEST_RETRY_AFTER_MS)
            self._move_ends = self._now() + wait_ms + MOVE_MS
            raise _Ended(None, wait_ms)
        elif self._opened_at is None:
            raise _Ended(f'its first event is "{kind}", not "hello"')
        reason = self._received(message)
        if reason is not None:
            raise _Ended(reason)


def _retry_after_ms(text: str | None) -> float:
    try:
        seconds = float(text or 0)
    except ValueError:
        return 0
    if not 0 < seconds < float("inf"):
        return 0
    return min(seconds * 1_000, GREATEST_RETRY_AFTER_MS)
