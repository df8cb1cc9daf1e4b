"""Replays sequences of calls in pybreaker, aiomisc and circuitbreaker: a request a line in, its observations a line out.

The libraries read a clock that only a step moves: `datetime` of pybreaker, `monotonic` of circuitbreaker, the loop of
aiomisc, and `random` of aiomisc gives the draws of the sequence.
"""

import contextlib
import datetime as real_datetime
import json
import logging
import sys
import threading
import types

import aiomisc.circuit_breaker
import circuitbreaker
import pybreaker
import tenacity

logging.disable(logging.CRITICAL)


class Down(Exception):
    pass


class Ignored(Exception):
    pass


ERRORS = {"failure": Down, "ignored": Ignored}
now_ms = 0


class Clock(real_datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        start = real_datetime.datetime(2020, 1, 1, tzinfo=tz)
        return start + real_datetime.timedelta(milliseconds=now_ms)


def seconds():
    return now_ms / 1000


pybreaker.datetime = Clock
circuitbreaker.monotonic = seconds
draws = []
aiomisc.circuit_breaker.random = lambda: draws[-1]


class Pybreaker:
    """A lock is held for as long as a call runs, so a call takes the steps until its end within itself."""

    def __init__(self, config):
        self.breaker = pybreaker.CircuitBreaker(
            fail_max=config["failMax"],
            reset_timeout=config["resetTimeoutMs"] / 1000,
            success_threshold=config["successThreshold"],
            exclude=[Ignored],
        )

    def replay(self, steps):
        seen = []
        rest = iter(steps)
        for step in rest:
            if step["do"] == "begin":
                self.call(step["call"], rest, seen)
            else:
                take_time(step)
                seen.append(self.observe())
        return seen

    def call(self, call, rest, seen):
        ended = False

        def work():
            nonlocal ended
            seen.append(self.observe("admitted"))
            for step in rest:
                if step["do"] == "end" and step["call"] == call:
                    ended = True
                    if step["outcome"] != "success":
                        raise ERRORS[step["outcome"]]
                    return
                take_time(step)
                seen.append(self.observe())

        before = len(seen)
        with contextlib.suppress(pybreaker.CircuitBreakerError, Down, Ignored):
            self.breaker.call(work)
        if len(seen) == before:
            seen.append(self.observe("rejected"))
        elif ended:
            seen.append(self.observe())

    def observe(self, admission=None):
        failures = self.breaker.fail_counter
        return observation(admission, self.breaker.current_state, failures, failures)


class Stepwise:
    """Libraries in which a call under way holds nothing: begins and ends are taken one by one."""

    def replay(self, steps):
        self.running = {}
        seen = []
        for step in steps:
            admission = None
            if step["do"] == "begin":
                draws.append(step.get("draw", 0))
                admission = "admitted" if self.begin(step) else "rejected"
            elif step["do"] == "end":
                if step["call"] in self.running:
                    self.end(self.running.pop(step["call"]), step)
            else:
                take_time(step)
            seen.append(self.observe(admission))
        return seen


class Circuitbreaker(Stepwise):
    def __init__(self, config):
        self.breaker = circuitbreaker.CircuitBreaker(
            failure_threshold=config["failureThreshold"],
            recovery_timeout=config["recoveryTimeoutMs"] / 1000,
            expected_exception=Down,
            name="peer",
        )
        attempts = config.get("attempts", 1)
        retried = tenacity.retry(
            stop=tenacity.stop_after_attempt(attempts),
            retry=tenacity.retry_if_exception_type(Down),
            sleep=no_wait,
            reraise=True,
        )

        async def work():
            outcome = await Pause()
            if outcome != "success":
                raise ERRORS[outcome]

        self.function = self.breaker.decorate(retried(work) if attempts > 1 else work)

    def begin(self, step):
        coroutine = self.function()
        try:
            coroutine.send(None)
        except circuitbreaker.CircuitBreakerError:
            return False
        self.running[step["call"]] = coroutine
        return True

    def end(self, coroutine, step):
        for outcome in step.get("attempts", [step["outcome"]]):
            try:
                coroutine.send(outcome)
            except (StopIteration, Down, Ignored):
                return
        raise RuntimeError("the call wants more attempts than the sequence has")

    def observe(self, admission):
        failures = self.breaker.failure_count
        return observation(admission, self.breaker.state.replace("_", "-"), failures, failures)


async def no_wait(_seconds):
    pass


class Pause:
    """Gives control back to whoever drives the coroutine, and resumes with what it sends."""

    def __await__(self):
        return (yield)


class Aiomisc(Stepwise):
    STATES = {"PASSING": "closed", "BROKEN": "open", "RECOVERING": "half-open"}

    def __init__(self, config):
        self.breaker = aiomisc.circuit_breaker.CircuitBreaker(
            error_ratio=config["errorRatio"],
            response_time=config["responseTime"],
            exceptions=[Down],
            broken_time=config["brokenTime"],
            recovery_time=config["recoveryTime"],
            passing_time=config["passingTime"],
        )
        self.breaker._loop = types.SimpleNamespace(time=seconds)

    def begin(self, step):
        context = self.breaker.context()
        try:
            context.__enter__()
        except aiomisc.circuit_breaker.CircuitBroken:
            return False
        self.running[step["call"]] = context
        return True

    def end(self, context, step):
        error = ERRORS.get(step["outcome"])
        with contextlib.suppress(Down, Ignored):
            if error is None:
                context.__exit__(None, None, None)
            elif not context.__exit__(error, error(), None):
                raise error

    def observe(self, admission):
        counters = [counter for _, counter in self.breaker._statistic]
        return {
            **observation(admission, self.STATES[self.breaker.state.name], sum(c[2] for c in counters), sum(c[0] for c in counters)),
            "buckets": [[c[2], c[0]] for c in counters],
            "ratio": self.breaker.recovery_ratio,
        }


def take_time(step):
    global now_ms
    if step["do"] == "advance":
        now_ms += step["ms"]


def observation(admission, state, calls, failures):
    seen = {"state": state, "calls": calls, "failures": failures}
    return seen if admission is None else {"admission": admission, **seen}


def lock_is_held():
    """Whether a second thread can call pybreaker while a first one is inside its call."""
    breaker = pybreaker.CircuitBreaker()
    inside, leave = threading.Event(), threading.Event()
    order = []

    def slow():
        inside.set()
        leave.wait()
        order.append("slow")

    first = threading.Thread(target=lambda: breaker.call(slow))
    first.start()
    inside.wait()
    second = threading.Thread(target=lambda: breaker.call(lambda: order.append("quick")))
    second.start()
    # The call of the second thread does nothing that takes time; if it can run, it is done long before this.
    second.join(0.5)
    blocked = second.is_alive()
    leave.set()
    first.join()
    second.join()
    return {"blocked": blocked, "order": order}


PEERS = {"pybreaker": Pybreaker, "circuitbreaker": Circuitbreaker, "aiomisc": Aiomisc}


def answer(request):
    global now_ms
    if request.get("ask") == "lock":
        return lock_is_held()
    now_ms = 0
    draws.clear()
    return PEERS[request["peer"]](request["config"]).replay(request["steps"])


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
