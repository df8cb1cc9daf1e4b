from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import fuseboard
from fuseboard import ConfigError
from fuseboard.testing import FakeControlPlane, reset_breakers
from scripted_operator import eventually

SOURCE = Path(fuseboard.__file__).parents[1]
PAYMENTS = {"payments": {"breakers": ["payments"], "trip": {"consecutiveFailures": 3}}}


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("FUSEBOARD_URL", raising=False)
    reset_breakers()
    yield
    fuseboard.agent.Agent().stop(0)
    reset_breakers()


def link_threads() -> set[str]:
    return {
        each.name for each in threading.enumerate() if each.name.startswith("fuseboard-") and "fake" not in each.name
    }


def test_applies_reports_overrides_and_says_goodbye(plane: FakeControlPlane) -> None:
    warnings: list[str] = []
    revisions: list[str] = []
    payments = fuseboard.get_breaker("payments")
    plane.push(PAYMENTS)
    agent = fuseboard.start(url=plane.url, service="checkout", labels={"app": "checkout"}, warn=warnings.append)
    agent.on_applied(lambda event: revisions.append(event.revision))
    assert agent.ready(20) == fuseboard.link_state() == "Live"
    assert payments.policy is not None and payments.policy.uid == "uid-payments"
    plane.override([{"name": "stop", "breakers": ["pay*"], "action": "ForceOpen"}])
    plane.until(lambda p: p.reports[-1:] != [] and p.reports[-1].get("overrides") == ["uid-stop"])
    assert payments.state == "open"
    assert agent.revision == plane.revision
    plane.hold("payments")
    plane.until(lambda p: p.reports[-1]["revision"] == p.revision)
    assert payments.policy is not None and payments.policy.generation == 1
    plane.push({})
    eventually(lambda: payments.source == "none")
    eventually(lambda: "payments" in " ".join(warnings))
    agent.stop(10)
    plane.until(lambda p: p.reports[-1].get("bye") is True)
    assert revisions[-1] == plane.revision
    eventually(lambda: link_threads() == set())


def test_an_override_ends_by_itself_and_this_is_reported_without_the_operator_saying_so(
    plane: FakeControlPlane,
) -> None:
    payments = fuseboard.get_breaker("payments")
    plane.override([{"name": "stop", "breakers": ["payments"], "action": "ForceClosed", "seconds": 1}])
    fuseboard.start(url=plane.url).ready(20)
    plane.until(lambda p: any(report.get("overrides") == ["uid-stop"] for report in p.reports))
    plane.until(lambda p: "overrides" not in p.reports[-1])
    assert payments.stats().forced is None


def test_what_a_guard_changes_is_logged_once_and_reported(plane: FakeControlPlane) -> None:
    warnings: list[str] = []
    fast = fuseboard.get_breaker("fast")
    plane.push({"fast": {"breakers": ["fast"], "timeout": {"duration": "5ms"}}})
    plane.override([{"name": "stop", "breakers": ["fast"], "action": "ForceOpen"}])
    guard: fuseboard.Guard = {"minTimeout": "200ms", "neverForceOpen": True}
    fuseboard.start(url=plane.url, guard=guard, warn=warnings.append).ready(20)
    expected = [
        {"uid": "uid-fast", "by": "minTimeout", "limit": "200ms"},
        {"uid": "uid-stop", "by": "neverForceOpen"},
    ]
    plane.until(lambda p: p.reports[-1:] != [] and p.reports[-1].get("guarded") == expected)
    assert "overrides" not in plane.reports[-1]
    assert (fast.state, fast.stats().guarded_by) == ("closed", ("minTimeout", "neverForceOpen"))
    plane.push({"fast": {"breakers": ["fast"], "timeout": {"duration": "4ms"}}})
    plane.until(lambda p: p.reports[-1]["revision"] == p.revision)
    assert [each for each in warnings if "guard" in each] == [
        'the guard of this service limits policy "fast" by minTimeout 200ms',
        'the guard of this service limits override "stop" by neverForceOpen',
    ]


def test_starts_with_the_first_call_and_not_before(plane: FakeControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    plane.push(PAYMENTS)
    program = """
import os, threading, fuseboard
breaker = fuseboard.get_breaker("payments")
assert threading.active_count() == 1, "a thread began before the first call"
assert breaker.call(lambda: "fine") == "fine"
assert fuseboard.start().ready(20) == "Live"
child = os.fork()
if child == 0:
    # Threads of the parent do not live on here; the link starts over with the first call.
    assert threading.active_count() == 1 and fuseboard.link_state() == "Stale"
    breaker.call(lambda: "fine")
    os._exit(0 if fuseboard.start().ready(20) == "Live" else 3)
assert os.waitpid(child, 0)[1] == 0
assert fuseboard.link_state() == "Live"
"""
    env = {**os.environ, "PYTHONPATH": str(SOURCE), "FUSEBOARD_URL": plane.url, "FUSEBOARD_SERVICE": "forking"}
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], env=env, capture_output=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stderr.decode()) == (0, "")
    boots = [each.query["boot"] for each in plane.connections]
    assert len(boots) == len(set(boots)) == 2


def test_a_fork_with_every_lock_held_does_not_hang(plane: FakeControlPlane) -> None:
    """Children are forked while threads of the parent call, trip, report and are pushed to."""
    plane.push(PAYMENTS)
    program = """
import os, threading, time, fuseboard
agent = fuseboard.start()
agent.ready(20)
breakers = [fuseboard.get_breaker(f"b{i}", {"trip": {"consecutiveFailures": 1}, "recovery": {"openDuration": "1ms"}}) for i in range(8)]
over = threading.Event()
def work(breaker):
    while not over.is_set():
        permit = breaker.enter()
        if permit: permit.fail(ConnectionError())
threads = [threading.Thread(target=work, args=(each,)) for each in breakers]
for each in threads: each.start()
for _ in range(30):
    child = os.fork()
    if child == 0:
        for each in breakers: each.enter()
        fuseboard.get_breaker("new", {"trip": {"consecutiveFailures": 9}}).call(lambda: 1)
        fuseboard.start().stop(0)
        os._exit(0)
    until = time.monotonic() + 20
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        assert time.monotonic() < until, "a child hangs"
        time.sleep(0.001)
over.set()
for each in threads: each.join()
agent.stop(5)
"""
    env = {**os.environ, "PYTHONPATH": str(SOURCE), "FUSEBOARD_URL": plane.url}
    # Since 3.12 the interpreter warns of every fork of a process with threads.
    command = [sys.executable, "-W", "ignore:This process:DeprecationWarning", "-c", program]
    ended = subprocess.run(command, env=env, capture_output=True, timeout=300, check=False)
    assert (ended.returncode, ended.stderr.decode()) == (0, "")


def test_a_fork_while_the_link_is_stopped_does_not_hang(plane: FakeControlPlane) -> None:
    """A thread of the parent has the locks of a link that nobody finds any more."""
    plane.push(PAYMENTS)
    program = """
import os, threading, time, fuseboard
from fuseboard import agent as module
agent = fuseboard.start()
agent.ready(20)
breaker = fuseboard.get_breaker("b", {"trip": {"consecutiveFailures": 1}})
link = module._slot.link
held, over = threading.Event(), threading.Event()
def hold():
    with link._reporter._lock:
        held.set()
        over.wait()
holder = threading.Thread(target=hold)
def stop(flush):
    holder.start()
    held.wait()
    child = os.fork()
    if child == 0:
        breaker.enter().fail(ConnectionError())
        # What is stopped in the parent is stopped here too.
        os._exit(breaker.state != "open" or agent.state != "Defaults")
    until = time.monotonic() + 20
    while (status := os.waitpid(child, os.WNOHANG)) == (0, 0):
        assert time.monotonic() < until, "the child hangs"
        time.sleep(0.001)
    assert status[1] == 0
    over.set()
    type(link).stop(link, flush)
link.stop = stop
agent.stop(5)
holder.join()
assert module._slot.ending == []
"""
    env = {**os.environ, "PYTHONPATH": str(SOURCE), "FUSEBOARD_URL": plane.url}
    command = [sys.executable, "-W", "ignore:This process:DeprecationWarning", "-c", program]
    ended = subprocess.run(command, env=env, capture_output=True, timeout=100, check=False)
    assert (ended.returncode, ended.stderr.decode()) == (0, "")


def test_another_start_must_say_the_same(plane: FakeControlPlane) -> None:
    fuseboard.start(url=plane.url, service="a")
    fuseboard.start(url=plane.url, service="a")
    with pytest.raises(ConfigError, match="other options"):
        fuseboard.start(url=plane.url, service="b")


def test_is_silently_on_its_defaults_where_there_is_no_operator() -> None:
    assert fuseboard.start().ready(20) == "Defaults"
    assert fuseboard.get_breaker("payments").call(lambda: 1) == 1
    eventually(lambda: link_threads() == set())


def test_begins_with_the_bootstrap_file(tmp_path: Path) -> None:
    path = tmp_path / "policies.json"
    path.write_text('{"metadata":{"name":"p"},"spec":{"breakers":["payments"],"trip":{"consecutiveFailures":1}}}')
    fuseboard.start(policies=str(path))
    assert fuseboard.get_breaker("payments").source == "policy"


def test_speaks_tls_with_a_token_that_it_reads_again_for_each_connection(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("one\n")
    certificate, key = certificate_for("localhost", tmp_path)
    with FakeControlPlane(tls=(str(certificate), str(key))) as plane:
        plane.push(PAYMENTS)
        agent = fuseboard.start(url=plane.url, token_file=str(token), ca_file=str(certificate))
        assert agent.ready(20) == "Live"
        fuseboard.get_breaker("payments").call(lambda: 1)
        plane.until(lambda p: len(p.reports) > 0)
        token.write_text("two")
        plane.cut()
        plane.until(lambda p: len(p.connections) == 2)
        assert [each.headers["authorization"] for each in plane.connections] == ["Bearer one", "Bearer two"]
        agent.stop(5)


def test_says_what_is_wrong_with_a_certificate_and_tries_again(tmp_path: Path) -> None:
    certificate, key = certificate_for("localhost", tmp_path)
    other, _ = certificate_for("other.example", tmp_path)
    warnings: list[str] = []
    with FakeControlPlane(tls=(str(certificate), str(key))) as plane:
        fuseboard.start(url=plane.url, ca_file=str(other), warn=warnings.append)
        eventually(lambda: any("FUSEBOARD_CA_FILE" in each for each in warnings))
        assert plane.connections == []


def test_a_token_with_a_line_break_in_it_is_never_sent(plane: FakeControlPlane, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("one\r\nx-evil: 1")
    warnings: list[str] = []
    fuseboard.start(url=plane.url, token_file=str(token), warn=warnings.append)
    eventually(lambda: any("characters that no token has" in each for each in warnings))
    assert plane.connections == []


@pytest.mark.parametrize(
    "garbage", [b"event: hello\ndata: {\n\n", b"data: " + b"x" * 200_000, b"\x00\xff\n\n", b"HTTP/1.1 200"]
)
def test_survives_garbage_and_connects_again(plane: FakeControlPlane, garbage: bytes) -> None:
    plane.push(PAYMENTS)
    fuseboard.start(url=plane.url, warn=lambda message: None).ready(20)
    plane.send(garbage)
    plane.cut()
    plane.until(lambda p: len(p.connections) >= 2)
    eventually(lambda: fuseboard.link_state() == "Live")


def certificate_for(name: str, folder: Path) -> tuple[Path, Path]:
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    subject = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
    made = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-keyout",
        str(key),
        "-out",
        str(certificate),
    ]
    subprocess.run(["openssl", "req", "-x509", "-days", "2", *made, *subject], check=True, capture_output=True)
    return certificate, key


def test_warns_once_of_a_breaker_that_nothing_can_open(plane: FakeControlPlane) -> None:
    warnings: list[str] = []
    plane.push(
        {
            "payments": {"breakers": ["payments"], "timeout": {"duration": "1s"}},
            "quiet": {"breakers": ["quiet"], "mode": "Disabled"},
        }
    )
    fuseboard.get_breaker("payments")
    fuseboard.get_breaker("quiet")
    fuseboard.get_breaker("limited", {"concurrency": {"maxConcurrent": 5}})
    agent = fuseboard.start(url=plane.url, warn=warnings.append)
    assert agent.ready(20) == "Live"
    eventually(lambda: len(warnings) == 1)
    fuseboard.get_breaker("later", {"mode": "Shadow"})
    advice = "because trip has no condition; set consecutiveFailures, failureCount, failureRate or slowCallRate in trip"
    assert warnings == [
        f'nothing can open the circuit of "payments" (policy "payments"), "limited" (its defaults), {advice}',
        f'nothing can open the circuit of "later" (its defaults), {advice}',
    ]
    plane.push({"payments": {"breakers": ["*"], "timeout": {"duration": "2s"}}})
    plane.until(lambda p: p.reports[-1:] != [] and p.reports[-1]["revision"] == p.revision)
    assert len(warnings) == 3
    assert warnings[2].startswith('nothing can open the circuit of "quiet" (policy "payments"), ')


def test_warns_without_an_operator_of_defaults_that_never_open() -> None:
    warnings: list[str] = []
    fuseboard.start(warn=warnings.append)
    fuseboard.get_breaker("plain")
    fuseboard.get_breaker("guarded", {"trip": {"consecutiveFailures": 5}})
    fuseboard.get_breaker("limited", {"concurrency": {"maxConcurrent": 5}})
    assert [each.partition(", because")[0] for each in warnings] == [
        'nothing can open the circuit of "limited" (its defaults)'
    ]
