from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import pytest

from fuseboard.clock.stall_detector import StallDetector
from fuseboard.clock.work_budget import WorkBudget
from fuseboard.link.timers import ThreadTimers

WAIT_S = 60


@pytest.fixture
def timers() -> Iterator[ThreadTimers]:
    made = ThreadTimers("test")
    yield made
    made.stop()


def test_what_is_cancelled_does_not_pile_up_until_its_time(timers: ThreadTimers) -> None:
    kept = threading.Event()
    for _ in range(10_000):
        timers.after(86_400_000, lambda: None)()
    timers.after(0, kept.set)
    assert len(timers._entries) < 200
    assert kept.wait(WAIT_S)
    late = timers.after(0, lambda: None)
    for _ in range(100):
        late()
    assert timers._cancelled <= 1


def test_a_task_that_would_end_the_thread_does_not(timers: ThreadTimers) -> None:
    done = threading.Event()
    with pytest.warns(UserWarning, match="SystemExit"):
        timers.after(0, sys.exit)
        timers.after(0, done.set)
        assert done.wait(WAIT_S)


def test_a_thread_that_cannot_be_started_is_started_with_the_next_task(
    timers: ThreadTimers, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = threading.Event()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_thread)
        with pytest.raises(RuntimeError):
            timers.after(0, pytest.fail)
    timers.after(0, done.set)
    assert done.wait(WAIT_S)


def test_a_call_continues_where_no_thread_can_watch_for_stalls(monkeypatch: pytest.MonkeyPatch) -> None:
    detector = StallDetector()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_thread)
        detector.watch(float("inf"))
        assert not detector._process.is_beating
    detector.watch(float("inf"))
    assert detector._process.is_beating
    detector.rest()


def no_thread(thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_work_takes_a_tenth_of_the_time_after_a_burst() -> None:
    budget = WorkBudget()
    assert budget.spend(2_000, 0) == 0
    assert budget.spend(100, 0) == 1_000
    assert budget.spend(0, 1_000) == 0
    assert budget.spend(10, 1_000) == pytest.approx(100)
    assert budget.spend(0, 1_000_000_000) == 0
    assert budget.spend(2_010, 1_000_000_000) == pytest.approx(100)
