"""Reports to the operator what the breakers see and which policies apply, for as long as there is a stream."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import SplitResult, urlunsplit

from ..breakers.governed_breaker import GovernedBreaker
from ..core.state import TransitionEvent
from ..warning import WarningLog
from .connection import Connection, Endpoint, LinkError, authorization, connect, describe, hang_up, let_go, path_of
from .ledger import Entry, Ledger, encoded, parts
from .limits import MAX_ANSWER_BYTES, PROTOCOL
from .report_target import report_target
from .timers import Timers

INTERVAL_MS = 10_000
LEAST_GAP_MS = 250
QUIET_MS = 200
"""The pushes of a change come first: an acknowledgement waits so long, and up to ``SPREAD_MS`` longer."""
SPREAD_MS = 300
ANSWER_S = 8.0
MAX_PART_BYTES = 46 * 1024
MISDIRECTED_TRIES = 8
MAX_WARNINGS = 20

Answer = Literal["answered", "misdirected", "refused", "unreachable"]


@dataclass(frozen=True)
class Applied:
    """What this process runs, for the acknowledgement."""

    revision: str | None = None
    """``None``: nothing from the operator yet."""
    at: float | None = None
    """When it was applied, on the clock of the timers."""
    rejections: list[dict[str, Any]] = field(default_factory=list)
    overrides: list[str] = field(default_factory=list)
    """The overrides that are applied."""
    guarded: list[dict[str, str]] = field(default_factory=list)
    """What the guard of the code changes in policies and overrides."""


class Reporter:
    """Sends reports in the thread of its timers, one at a time. The other methods may be called from any thread.

    ``breakers`` are those to be reported, ``misdirected`` is called when reports keep landing on replicas that do not hold the
    stream, ``event_now`` is the clock of transitions.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        identity: Mapping[str, str],
        ledger: Ledger,
        namespace: str | None,
        timers: Timers,
        random: Callable[[], float],
        breakers: Callable[[], Iterable[tuple[str, str | None, GovernedBreaker]]],
        event_now: Callable[[], float],
        applied: Callable[[], Applied],
        misdirected: Callable[[], None],
        warn: WarningLog,
    ) -> None:
        self._endpoint = endpoint
        self._identity = identity
        self._ledger = ledger
        self._namespace = namespace
        self._timers = timers
        self._random = random
        self._breakers = breakers
        self._event_now = event_now
        self._applied = applied
        self._misdirected = misdirected
        self._on_warning = warn
        self._warned: set[str] = set()
        self._lock = threading.RLock()
        self._sending = threading.Lock()
        self._target: SplitResult | None = None
        self._replica: SplitResult | None = None
        """Where the replica of the last stream takes reports."""
        self._connection: Connection | None = None
        """Kept between reports; only the sender uses it."""
        self._is_closed = False
        self._streams = 0
        self._told_stream = 0
        self._answered_revision: str | None = None
        self._last_sent = float("-inf")
        self._due = float("inf")
        self._cancel: Callable[[], None] = lambda: None
        self._give_up_at = float("inf")
        """When the last report must have been answered."""
        self._cancel_goodbye: Callable[[], None] = lambda: None
        self._reading: int | None = None
        """The thread that reads breakers: a change that this brings about is in what is read."""

    def attach(self, report_url: str | None) -> None:
        """A stream opened: reports go to its replica, and the first lists every breaker."""
        with self._lock:
            former, self._replica = self._replica, self._place(report_url)
            self._target = self._replica
            self._streams += 1
            self._answered_revision = None
            if former is not None and former != self._replica:
                # Of many replicas in a row, only the last is told: reports wait while one of them does not answer.
                self._cancel_goodbye()
                self._cancel_goodbye = self._timers.after(0, lambda: self._say_goodbye(former))
            self._schedule(self._random() * INTERVAL_MS)

    def detach(self) -> None:
        """The stream is gone; what happens meanwhile is reported to the next one."""
        with self._lock:
            self._target = None
            self._cancel()
            self._due = float("inf")

    def changed(self, breaker: GovernedBreaker, event: TransitionEvent) -> None:
        """A breaker changed its state; it is reported at once."""
        self._ledger.changed(breaker, event)
        if self._reading != threading.get_ident():
            self._schedule(0)

    def acknowledge(self) -> None:
        """A set was applied or a policy rejected; the report that follows is the acknowledgement."""
        self._schedule(QUIET_MS + self._random() * SPREAD_MS)

    def bye(self, within_ms: float) -> None:
        """Say goodbye with the last counts; return when that was answered, given up, or the time is over."""
        if self._target is None or within_ms <= 0:
            self.detach()
            return
        self._give_up_at = self._timers.now() + within_ms
        said = threading.Event()

        def say() -> None:
            try:
                if self._sending.acquire(timeout=within_ms / 1_000):
                    try:
                        self._send(is_bye=True)
                    finally:
                        self._sending.release()
            except Exception as error:
                self._warn(f"this agent failed to report: {type(error).__name__}: {error}")
            finally:
                said.set()

        try:
            threading.Thread(target=say, name="fuseboard-bye", daemon=True).start()
            said.wait(within_ms / 1_000)
        except RuntimeError:
            # No thread can be started in a process at its limit, or when the interpreter ends.
            say()
        self.detach()

    def close(self) -> None:
        """Send nothing any more. A report under way is given up."""
        self.detach()
        with self._lock:
            self._is_closed = True
            connection = self._connection
        if connection is not None:
            hang_up(connection.sock)
        # A sender that cannot be interrupted, because it is connecting, drops the connection itself.
        if self._sending.acquire(timeout=0.05):
            try:
                self._drop()
            finally:
                self._sending.release()

    def let_go(self) -> None:
        """In a forked child: the connection is the parent's."""
        let_go(None if self._connection is None else self._connection.sock)

    def _place(self, report_url: str | None) -> SplitResult:
        return report_target(self._endpoint.url, report_url, self._namespace)

    def _schedule(self, in_ms: float) -> None:
        with self._lock:
            if self._target is None:
                return
            now = self._timers.now()
            due = max(now + in_ms, self._last_sent + LEAST_GAP_MS)
            if due >= self._due:
                return
            self._cancel()
            # Unless the task is accepted, none is due.
            self._due = float("inf")
            self._cancel = self._timers.after(max(0.0, due - now), self._run)
            self._due = due

    def _run(self) -> None:
        with self._lock:
            self._due = float("inf")
        if self._target is None:
            return
        try:
            with self._sending:
                self._send(is_bye=False)
        except Exception as error:
            self._warn(f"this agent failed to report: {type(error).__name__}: {error}")
        self._schedule(INTERVAL_MS * (0.9 + 0.2 * self._random()))

    def _send(self, is_bye: bool) -> None:
        sequence = self._ledger.next_sequence()
        with self._lock:
            self._last_sent = self._timers.now()
            # Whatever made a report due up to here is part of this one.
            self._cancel()
            self._due = float("inf")
            stream = self._streams
            answered_revision = self._answered_revision
        applied = self._applied()
        cut = parts(self._read(stream != self._told_stream), applied.rejections, MAX_PART_BYTES)
        for i, part in enumerate(cut):
            body: dict[str, Any] = self._head(sequence, i + 1, len(cut))
            if applied.revision is not None:
                body["revision"] = applied.revision
                if applied.revision != answered_revision and applied.at is not None:
                    body["appliedAgoMs"] = max(0, round(self._timers.now() - applied.at))
            body["rejections"] = part.rejections
            if i == 0 and applied.overrides:
                body["overrides"] = applied.overrides
            if i == 0 and applied.guarded:
                body["guarded"] = applied.guarded
            body["breakers"] = [entry.report for entry in part.entries]
            if is_bye:
                body["bye"] = True
            if not self._deliver(encoded(body)):
                return
            self._ledger.settle(part.entries)
        with self._lock:
            # A stream that opened meanwhile has received nothing yet.
            if stream == self._streams:
                self._told_stream = stream
                self._answered_revision = applied.revision

    def _head(self, sequence: int, part: int, of: int) -> dict[str, Any]:
        return {
            "protocol": PROTOCOL,
            **self._identity,
            "boot": self._ledger.boot,
            "sequence": sequence,
            "part": part,
            "parts": of,
        }

    def _read(self, is_all: bool) -> list[Entry]:
        self._reading = threading.get_ident()
        try:
            return self._ledger.entries(self._breakers(), is_all, self._event_now())
        finally:
            self._reading = None

    def _deliver(self, body: bytes) -> bool:
        """Send one part to whom it is for now; say whether it was answered."""
        tries = 0
        while tries < MISDIRECTED_TRIES:
            target = self._target
            if target is None or self._timers.now() >= self._give_up_at:
                return False
            try:
                answer = self._post(target, body, is_kept=True)
            except LinkError as error:
                self._warn(f"reports cannot be sent: {error}")
                return False
            if answer == "answered":
                return True
            if self._target != target or answer == "refused":
                return False
            if answer == "unreachable":
                own = self._place(None)
                if own == target:
                    return False
                with self._lock:
                    if self._target == target:
                        self._target = own
            else:
                tries += 1
        self._misdirected()
        return False

    def _say_goodbye(self, replica: SplitResult) -> None:
        """Say goodbye to a replica, because another one serves this agent now and it must be counted once."""
        body = {**self._head(self._ledger.next_sequence(), 1, 1), "rejections": [], "breakers": [], "bye": True}
        try:
            self._post(replica, encoded(body), is_kept=False)
        except LinkError:
            # A replica that is not reached notices by the missing reports.
            pass

    def _post(self, target: SplitResult, body: bytes, is_kept: bool) -> Answer:
        """Send a part; ``is_kept``: over the connection that is kept between reports."""
        headers = {"content-type": "application/json", **authorization(self._endpoint)}
        try:
            status = self._ask(target, headers, body, is_kept)
        except (OSError, http.client.HTTPException, ValueError) as error:
            if is_kept:
                self._drop()
            if is_kept and self._timers.now() < self._give_up_at:
                self._warn(f"reports to {_shown(target)} are not answered: {describe(error)}")
            return "unreachable"
        if status < 300:
            return "answered"
        if status == 421:
            # A new connection may lead to another replica.
            self._drop()
            return "misdirected"
        self._warn(f"reports to {_shown(target)} are answered {status}; counts are kept and sent again")
        return "refused"

    def _ask(self, target: SplitResult, headers: Mapping[str, str], body: bytes, is_kept: bool) -> int:
        if not is_kept:
            connection = connect(target, self._endpoint, ANSWER_S)
            try:
                return _exchange(connection, target, headers, body, self._answer_s())
            finally:
                connection.close()
        try:
            return self._ask_kept(target, headers, body)
        finally:
            # Whoever closed this meanwhile may not have waited.
            if self._is_closed:
                self._drop()

    def _ask_kept(self, target: SplitResult, headers: Mapping[str, str], body: bytes) -> int:
        kept = self._connection
        if kept is not None and kept.is_for(target):
            try:
                return _exchange(kept, target, headers, body, self._answer_s())
            except (OSError, http.client.HTTPException):
                # The operator may have closed a connection that was kept.
                pass
        self._drop()
        connection = connect(target, self._endpoint, ANSWER_S)
        with self._lock:
            if self._is_closed:
                raise LinkError("the link was stopped")
            self._connection = connection
        return _exchange(connection, target, headers, body, self._answer_s())

    def _answer_s(self) -> float:
        """Seconds that an exchange may take."""
        return min(ANSWER_S, (self._give_up_at - self._timers.now()) / 1_000)

    def _drop(self) -> None:
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _warn(self, message: str) -> None:
        # A report that the end of the link cuts off is no trouble.
        if self._is_closed or message in self._warned or len(self._warned) >= MAX_WARNINGS:
            return
        self._warned.add(message)
        self._on_warning(message)


def _exchange(
    connection: Connection, target: SplitResult, headers: Mapping[str, str], body: bytes, seconds: float
) -> int:
    connection.allowance.renew(seconds)
    connection.request("POST", path_of(target), body=body, headers=dict(headers))
    with connection.getresponse() as response:
        # A chunk may hold a single byte of content.
        connection.allowance.expect(8 * MAX_ANSWER_BYTES)
        # An answer has no content. Another request on the connection would find the rest of a longer one.
        if len(response.read(MAX_ANSWER_BYTES + 1)) > MAX_ANSWER_BYTES:
            connection.close()
        return response.status


def _shown(target: SplitResult) -> str:
    return urlunsplit(target._replace(path="", query="", fragment=""))
