from __future__ import annotations

from collections.abc import Iterator
from socket import create_server
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

import pytest

from fake_timers import FakeTimers
from fuseboard.breakers.governed_breaker import GovernedBreaker
from fuseboard.breakers.registry import Registry
from fuseboard.core.clock import Environment
from fuseboard.core.state import TransitionEvent
from fuseboard.link import reporter
from fuseboard.link.connection import Endpoint, connect
from fuseboard.link.ledger import Ledger, parts
from fuseboard.link.report_target import report_target
from fuseboard.link.reporter import Applied, Reporter
from fuseboard.testing import FakeControlPlane
from fuseboard.warning import WarningLog
from scripted_operator import eventually
from wire_contract import faults_of

DEFAULTS = {"trip": {"consecutiveFailures": 3}, "recovery": {"openDuration": "30s"}}


class Bench:
    def __init__(self, plane: FakeControlPlane) -> None:
        self.plane = plane
        self.timers = FakeTimers()
        self.registry = Registry(Environment(self.timers.now, 1.0, lambda: 0.5, lambda: 0.0))
        self.applied = Applied()
        self.misdirected = 0
        self.warnings: list[str] = []
        ledger = Ledger("0" * 32)
        self.reporter = Reporter(
            Endpoint(urlsplit(f"{plane.url}/")),
            identity={"service": "s", "instance": "i"},
            ledger=ledger,
            namespace="shop",
            timers=self.timers,
            random=lambda: 0.5,
            breakers=lambda: self.registry.breakers(ledger.is_pending),
            event_now=self.registry.now,
            applied=lambda: self.applied,
            misdirected=self.note_misdirected,
            warn=WarningLog(self.warnings.append),
        )
        self.registry.on_transition(self.reporter.changed)

    def note_misdirected(self) -> None:
        self.misdirected += 1

    def regular(self) -> list[dict[str, Any]]:
        """Let the next report come, and give it back with all its parts."""
        sent = len(self.plane.reports)
        self.timers.advance(self.timers.waiting[0])
        return self.plane.reports[sent:]

    def breaker(self, name: str) -> GovernedBreaker:
        return self.registry.get_breaker(name, DEFAULTS)


@pytest.fixture
def bench(plane: FakeControlPlane) -> Iterator[Bench]:
    made = Bench(plane)
    yield made
    made.reporter.close()
    assert [fault for report in plane.reports for fault in faults_of("report", report)] == []


def settle(breaker: GovernedBreaker, outcome: Any, times: int = 1) -> None:
    for _ in range(times):
        permit = breaker.circuit.enter()
        assert permit is not None
        breaker.circuit.settle(permit, outcome)


def names(reports: list[dict[str, Any]]) -> list[str]:
    return [each["name"] for report in reports for each in report["breakers"]]


def test_lists_every_breaker_at_first_then_those_that_changed(bench: Bench) -> None:
    a = bench.breaker("a")
    bench.breaker("b")
    bench.reporter.attach(None)
    assert bench.timers.waiting == [5_000]
    assert names(bench.regular()) == ["a", "b"]
    assert bench.timers.waiting == [10_000]
    assert names(bench.regular()) == []
    settle(a, "success")
    assert names(bench.regular()) == ["a"]
    bench.reporter.detach()
    bench.reporter.attach(None)
    assert names(bench.regular()) == ["a", "b"]


def test_counts_from_the_beginning_and_says_what_was_answered_before(bench: Bench) -> None:
    a = bench.breaker("a")
    settle(a, "success")
    bench.reporter.attach(None)
    (first,) = bench.regular()[0]["breakers"]
    assert first["totals"]["succeeded"] == 1 and "base" not in first
    settle(a, "failure")
    bench.plane.answer_reports(503)
    assert bench.regular() == []
    assert "answered 503" in bench.warnings[0]
    settle(a, "success")
    (second,) = bench.regular()[0]["breakers"]
    assert (second["totals"]["succeeded"], second["totals"]["failed"]) == (2, 1)
    assert second["base"] == first["totals"]
    assert [report["sequence"] for report in bench.plane.reports] == [1, 3]


def test_tells_a_change_of_state_at_once_and_at_most_four_times_a_second(bench: Bench) -> None:
    a, b = bench.breaker("a"), bench.breaker("b")
    bench.reporter.attach(None)
    bench.regular()
    bench.timers.advance(1_000)
    settle(a, "failure", 3)
    assert bench.timers.waiting[0] == 0
    (told,) = bench.regular()[0]["breakers"]
    assert told["transitions"] == [{"from": "closed", "to": "open", "agoMs": 0, "reason": "consecutive-failures"}]
    settle(b, "failure", 3)
    assert bench.timers.waiting[0] == 250


def test_an_open_circuit_that_ends_when_it_is_read_is_in_that_very_report(bench: Bench) -> None:
    a = bench.breaker("a")
    bench.reporter.attach(None)
    settle(a, "failure", 3)
    bench.regular()
    bench.timers.advance(30_000)
    transitions = [
        t for report in bench.plane.reports for each in report["breakers"] for t in each.get("transitions", [])
    ]
    assert [(each["to"], each["reason"]) for each in transitions] == [
        ("open", "consecutive-failures"),
        ("half-open", "open-duration-over"),
    ]


def test_acknowledges_a_revision_after_the_pushes_of_its_change(bench: Bench) -> None:
    bench.reporter.attach(None)
    bench.applied = Applied(
        "r1", bench.timers.now(), [{"uid": "u", "generation": 1, "field": "spec", "message": "no"}], ["o"]
    )
    bench.reporter.acknowledge()
    assert bench.timers.waiting[0] == 350
    (report,) = bench.regular()
    assert (report["revision"], report["appliedAgoMs"], report["overrides"]) == ("r1", 350, ["o"])
    assert report["rejections"][0]["uid"] == "u"
    assert "appliedAgoMs" not in bench.regular()[0]


def test_cuts_a_large_report_into_parts_below_48_kib(bench: Bench) -> None:
    for i in range(400):
        bench.breaker(f"breaker-{i}-{'x' * 80}")
    bench.reporter.attach(None)
    reports = bench.regular()
    assert len(reports) > 2
    assert {report["sequence"] for report in reports} == {1}
    assert [report["part"] for report in reports] == list(range(1, len(reports) + 1))
    assert len(set(names(reports))) == 400


def test_parts_have_at_most_a_thousand_entries_and_a_hundred_rejections() -> None:
    rejections = [{"uid": str(i)} for i in range(250)]
    assert [len(part.rejections) for part in parts([], rejections, 46 * 1_024)] == [100, 100, 50]
    assert len(parts([], [], 10)) == 1


def test_tries_a_misdirected_report_eight_times_then_asks_for_another_stream(bench: Bench) -> None:
    bench.reporter.attach(None)
    bench.plane.answer_reports(*[421] * 7)
    assert len(bench.regular()) == 1
    bench.plane.answer_reports(*[421] * 8)
    assert bench.regular() == []
    assert bench.misdirected == 1


def test_reports_beside_the_stream_where_the_replica_cannot_be_reached(bench: Bench) -> None:
    bench.breaker("a")
    bench.reporter.attach("http://127.0.0.1:1/v1/report")
    assert names(bench.regular()) == ["a"]
    assert "127.0.0.1:1" in bench.warnings[0]


def test_says_goodbye_with_the_last_counts_and_in_time(bench: Bench) -> None:
    a = bench.breaker("a")
    bench.reporter.attach(None)
    bench.regular()
    settle(a, "success")
    bench.reporter.bye(5_000)
    assert bench.plane.reports[-1]["bye"] is True and names(bench.plane.reports[-1:]) == ["a"]
    bench.reporter.bye(5_000)
    assert len(bench.plane.reports) == 2


def test_a_connection_that_was_closed_meanwhile_is_made_again(bench: Bench) -> None:
    bench.reporter.attach(None)
    bench.regular()
    bench.plane._server.end_connections()
    eventually(lambda: not bench.plane._server._connections)
    assert len(bench.regular()) == 1
    assert bench.warnings == []


def test_the_connection_of_a_report_that_outlasts_the_end_is_closed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.reporter.attach(None)
    bench.regular()
    kept = bench.reporter._connection
    assert kept is not None and kept.sock is not None
    answered, ended = Event(), Event()
    exchange = reporter._exchange

    def slow(*args: Any) -> int:
        status = exchange(*args)
        answered.set()
        assert ended.wait(30)
        return status

    monkeypatch.setattr(reporter, "_exchange", slow)
    sending = Thread(target=bench.regular)
    sending.start()
    assert answered.wait(30)
    # It waits for the sender, but not for long.
    bench.reporter.close()
    ended.set()
    sending.join(30)
    assert kept.sock is None


@pytest.mark.parametrize(
    ("url", "report_url", "target"),
    [
        ("http://a:1/", None, "http://a:1/v1/report"),
        ("http://a:1/x/", None, "http://a:1/x/v1/report"),
        ("http://a:1/", "http://a:2/r", "http://a:2/r"),
        ("http://a:1/", "http://b:2/r", "http://a:1/v1/report"),
        ("http://a:1/", "https://b:2/r", "https://b:2/r"),
        ("https://a:1/", "https://10.0.0.1:2/r", "https://10.0.0.1:2/r"),
        ("https://a:1/", "http://a:2/r", "https://a:1/v1/report"),
        ("https://a:1/", "https://u:p@a/r", "https://a:1/v1/report"),
        ("https://a:1/", "https://[", "https://a:1/v1/report"),
        ("https://a:1/", "ftp://a/r", "https://a:1/v1/report"),
    ],
)
def test_a_token_goes_only_where_it_is_safe(url: str, report_url: str | None, target: str) -> None:
    assert report_target(urlsplit(url), report_url).geturl() == target
    assert report_target(urlsplit(url), report_url, "shop").geturl() == f"{target}?namespace=shop"


def test_tells_what_the_last_failure_was_while_the_circuit_is_not_closed(bench: Bench) -> None:
    a = bench.breaker("a")
    bench.reporter.attach(None)
    bench.regular()

    def fail(text: str) -> None:
        permit = a.circuit.enter()
        if permit is not None:
            a.circuit.settle_error(permit, ValueError(text))

    def told() -> list[Any]:
        return [each.get("lastError") for report in bench.regular() for each in report["breakers"]]

    fail("first")
    assert told() == [None]
    fail("second")
    fail("third")
    assert told() == [{"name": "ValueError", "message": "third"}]
    bench.timers.advance(1_000)
    assert told() == []
    a.circuit.reset()
    assert told() == [None]


def test_the_closing_of_a_key_that_was_idle_while_no_operator_answered_is_told() -> None:
    clock = FakeTimers()
    registry = Registry(Environment(clock.now, 1.0, lambda: 0.5, lambda: 0.0))
    ledger = Ledger("0" * 32)
    registry.on_transition(ledger.changed)
    policy = {"trip": {"consecutiveFailures": 1}, "recovery": {"openDuration": "30s"}}
    breaker = registry.get_breaker("hosts", policy)

    def told() -> list[tuple[str | None, int]]:
        entries = ledger.entries(registry.breakers(ledger.is_pending), False, clock.now())
        ledger.settle(entries)
        return [(entry.id[1], len(entry.changes)) for entry in entries]

    assert told() == [(None, 0)]
    for_key(breaker, "a").fail(OSError())
    clock.advance(30_000)
    for_key(breaker, "a").succeed()
    clock.advance(86_400_000)
    assert ("a", 3) in told()
    clock.advance(1_000)
    assert told() == []
    assert breaker.by_key().all() == []


def for_key(breaker: GovernedBreaker, key: str) -> Any:
    permit = breaker.by_key().use(key).circuit.enter()
    assert permit is not None
    return permit


def test_the_transitions_of_a_bounded_number_of_keys_are_kept_and_those_of_breakers_always() -> None:
    registry = Registry()
    ledger = Ledger("0" * 32)
    event = TransitionEvent("closed", "open", 0, "consecutive-failures")
    own, hosts = registry.get_breaker("own"), registry.get_breaker("hosts")
    ledger.changed(own, event)
    first = hosts.breaker_of("k0")
    for number in range(5_000):
        ledger.changed(first if number == 0 else hosts.breaker_of(f"k{number}"), event)
        if number == 1:
            ledger.changed(first, event)
    pending = [ledger.is_pending("hosts", key) for key in ("k0", "k1", "k2", "k4999")]
    assert pending == [True, False, True, True] and ledger.is_pending("own", None)


def test_reads_no_more_than_the_beginning_of_a_long_answer() -> None:
    listener = create_server(("127.0.0.1", 0))
    given = 0

    def answer() -> None:
        nonlocal given
        sock, _ = listener.accept()
        with sock:
            sock.recv(65_536)
            sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            try:
                while given < 1 << 30:
                    given += sock.send(bytes(65_536))
            except OSError:
                pass

    thread = Thread(target=answer)
    thread.start()
    with listener:
        target = urlsplit(f"http://127.0.0.1:{listener.getsockname()[1]}/v1/report")
        connection = connect(target, Endpoint(target), 10)
        assert reporter._exchange(connection, target, {}, b"{}", 10) == 200
        thread.join()
    assert 65_536 < given < 1 << 30


def test_of_many_replicas_in_a_row_only_the_last_is_told(bench: Bench) -> None:
    for number in range(1_000):
        bench.reporter.attach(f"{bench.plane.url}/{number}/v1/report")
    assert len(bench.timers.waiting) == 2
    bench.timers.advance(0)
    assert [report.get("bye") for report in bench.plane.reports] == [True]


def test_says_goodbye_where_no_thread_can_be_started(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(bench.breaker("payments"), "success", 2)
    bench.reporter.attach(None)

    def fail(thread: Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    # The server begins a thread for the connection, which is there already.
    bench.regular()
    settle(bench.breaker("payments"), "success")
    with monkeypatch.context() as patched:
        patched.setattr(Thread, "start", fail)
        bench.reporter.bye(60_000)
    assert bench.plane.reports[-1]["bye"] is True
    assert bench.plane.reports[-1]["breakers"][0]["totals"]["succeeded"] == 3


def test_a_goodbye_ends_with_its_time(bench: Bench) -> None:
    bench.reporter.attach(None)
    bench.reporter._give_up_at = bench.timers.now() + 250
    assert bench.reporter._answer_s() == 0.25
    bench.timers.advance(250)
    bench.reporter._send(is_bye=True)
    assert bench.plane.reports == [] and bench.warnings == []
