"""What others say, as it reaches whoever reads warnings and logs."""

from __future__ import annotations

import ast
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import fuseboard
from fuseboard.contrib.logging import log_transitions
from fuseboard.core.text import printable
from fuseboard.errors import called
from fuseboard.process import forget_everything
from fuseboard.testing import FakeControlPlane
from fuseboard.warning import FuseboardWarning, WarningLog, warn
from scripted_operator import eventually

HOSTILE = "\x1b]0;title\x07\x1b[2J\r\nfake\tline\x9b31m\u202eevil\u2028\u200b\ud800"
SOURCES = Path(fuseboard.__file__).parent
WRITERS = {
    "warn",
    "print",
    "print_exc",
    "print_exception",
    "write",
    "log",
    "debug",
    "info",
    "warning",
    "error",
    "exception",
    "critical",
}
MAY_WRITE = {"warning.py", "contrib/logging.py"}
"""What these write they make printable."""


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    forget_everything()
    yield
    forget_everything()


def test_what_is_printable_is_what_the_other_agents_and_the_operator_write() -> None:
    assert printable(HOSTILE) == (
        "\\u001b]0;title\\u0007\\u001b[2J\\u000d\\u000afake\\u0009line\\u009b31m\\u202eevil\\u2028\\u200b\\ud800"
    )
    text = "Zahlungen für Łódź, 支払い, оплата, 💳"
    assert printable(text) == text
    assert printable("\U000e0001") == "\\udb40\\udc01"


def test_a_burst_of_warnings_is_cut_and_says_so() -> None:
    now = 0.0
    written: list[str] = []
    log = WarningLog(written.append, lambda: now)
    for i in range(1_000):
        log(f"warning {i}")
    assert len(written) == 100
    now = 9.9
    log("too early")
    now = 10
    log("x" * 100_000)
    assert len(written) == 101 and len(written[-1]) < 17_000
    assert written[-1].endswith("xx (901 warnings before it were left out)")


def test_a_warning_never_breaks_what_warns(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(message: str) -> None:
        raise ValueError(message)

    WarningLog(fail)("x")
    with pytest.warns(FuseboardWarning, match=r"a\\u000ab"):
        warn("a\nb")
    with (tmp_path / "closed").open("w") as closed:
        pass
    # A daemon may have closed it.
    monkeypatch.setattr(sys, "stderr", closed)
    warn("an error here, as the tests have it")


def test_the_text_of_an_operator_does_not_reach_a_log_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    warnings: list[str] = []
    logger = logging.getLogger("test")
    caplog.set_level("INFO")
    with FakeControlPlane() as plane:
        end = log_transitions(logger)
        breaker = fuseboard.get_breaker("payments")
        plane.push(
            {HOSTILE: {"breakers": ["payments"]}, f"{HOSTILE}2": {"breakers": ["x"], HOSTILE: 1, "mode": HOSTILE}}
        )
        agent = fuseboard.start(url=plane.url, warn=warnings.append)
        try:
            assert agent.ready(30) == "Live"
            plane.override([{"name": HOSTILE, "breakers": ["payments"], "action": "ForceOpen", "reason": HOSTILE}])
            eventually(lambda: breaker.state == "open")
            plane.answer_streams(200, {"content-type": "a\x1b[31mb\x9bc"})
            plane.cut()
            eventually(lambda: any("not an event stream" in each for each in warnings))
        finally:
            agent.stop(0)
            end()
    assert any("cannot be used" in each for each in warnings)
    assert any("nothing can open" in each for each in warnings)
    texts = [*warnings]
    for record in caplog.records:
        texts += [record.getMessage(), *(value for value in vars(record).values() if isinstance(value, str))]
    assert any("\\u001b" in each for each in texts)
    assert [each for each in texts if printable(each) != each] == []
    assert printable(called("b", HOSTILE)) == called("b", HOSTILE)


def calls_of(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            owner = called.value if isinstance(called, ast.Attribute) else None
            # ``warn`` by itself is that of the agent, which makes text printable, as do the logs that objects keep.
            # Without arguments it asks a task for its exception.
            if name == "exception" and not node.args:
                continue
            if name in WRITERS and not (name == "warn" and (owner is None or ast.unparse(owner) in ("self", "slot"))):
                yield ast.unparse(called)


def test_nothing_else_writes_and_every_callback_for_warnings_is_a_log() -> None:
    found: dict[str, list[str]] = {}
    callbacks: list[str] = []
    for path in sorted(SOURCES.rglob("*.py")):
        name = path.relative_to(SOURCES).as_posix()
        tree = ast.parse(path.read_text("utf-8"))
        if name not in MAY_WRITE and not name.startswith("testing/"):
            found[name] = list(calls_of(tree))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                for each in [*node.args.args, *node.args.kwonlyargs]:
                    takes = "" if each.annotation is None else ast.unparse(each.annotation)
                    if each.arg == "warn" and takes != "WarningLog":
                        callbacks.append(f"{name}:{node.name}")
    # The file of last good policies is no log.
    assert {name: calls for name, calls in found.items() if calls} == {
        "link/last_good.py": ["file.write"],
    }
    # The public ones make a log of what they are given.
    assert callbacks == [
        "agent.py:start",
        "agent.py:_has_link_of",
        "agent.py:_arm",
        "store/shared_state.py:share_state",
    ]
