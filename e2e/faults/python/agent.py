"""A service with the real agent for Python, in a process of its own: what ``agent-worker.ts`` is for Node.

It calls its breakers all the time and writes down what they ran, what became of each call and how late it was. The first
argument is its life as JSON; URL, labels and cache folder come from the environment. It says ``born`` when it runs.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

import fast_clock  # Before the agent: it takes the clock as it finds it.
import fuseboard

BEAT_MS = 100
BEATS_A_PROBE = 4
BEATS_A_MEASUREMENT = 5
GREATEST_TRIES = 14
STALLING_CALL_S = 0.2
LEAK_BYTES = 8 * 1024 * 1024
SCHEDULER = "/proc/thread-self/schedstat"


class Down(Exception):
    """What the service that is called says."""


class Service:
    def __init__(self, life: dict[str, Any]) -> None:
        warnings.simplefilter("ignore", fuseboard.FuseboardWarning)  # `warn` of the link that is started says the same.
        self._life = life
        self._file = open(life["log"], "a", encoding="utf-8")
        self._writing = threading.Lock()
        self._breakers = {name: fuseboard.get_breaker(name) for name in life["breakers"]}
        self._agent = fuseboard.Agent()
        self._state = ""
        self._lags = [0.0] * 4
        self._recorded: str | None = None
        """The revision whose view was written down last."""
        self._leaked: list[bytearray] = []

    def write(self, **record: Any) -> None:
        with self._writing:
            line = {"at": fast_clock.true_ms(), "agent": self._life["agent"], **record}
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()

    def begin(self) -> None:
        sys.excepthook = lambda kind, error, _: self._uncaught(error)
        threading.excepthook = lambda args: self._uncaught(args.exc_value)
        life = self._life
        self.write(kind="born", service=life["service"], namespace=life["namespace"], labels=life["labels"])
        self._applied(self._agent.state)
        self._agent.on_applied(lambda event: self._applied(event.origin))
        self._agent = fuseboard.start(warn=lambda message: self.write(kind="warning", message=message))

    def run(self) -> None:
        due = fast_clock.true_ms()
        beats = 0
        while True:
            now = fast_clock.true_ms()
            self._lags = [max(0.0, now - due), *self._lags[:3]]
            beats += 1
            self._beat(beats)
            due = now + BEAT_MS
            fast_clock.true_sleep(max(0.0, due - fast_clock.true_ms()) / 1_000)

    def _beat(self, beats: int) -> None:
        state = self._agent.state
        if state != self._state:
            self._state = state
            self.write(kind="link", state=state)
        names = self._life["breakers"]
        self._call(names[beats % len(names)], beats % 3 == 0)
        if beats % BEATS_A_PROBE == 0:
            self._probe(names[beats // BEATS_A_PROBE % len(names)])
        if beats % BEATS_A_MEASUREMENT == 0:
            if self._life.get("plant") == "I6":
                self._leaked.append(bytearray(os.urandom(4_096)) * (LEAK_BYTES // 4_096))
            self.write(kind="memory", heapMb=resident_mb())

    def _call(self, name: str, fails: bool) -> None:
        waited, computed = waited_ms(), time.thread_time()
        ms, outcome, error = timed(lambda: self._through(name, fails))
        cpu_ms = (time.thread_time() - computed) * 1_000
        bare_ms, _, _ = timed(lambda: work(fails))
        record = {"breaker": name, "outcome": outcome, "ms": ms, "bareMs": bare_ms, "lagMs": max(self._lags)}
        if error is not None:
            record["error"] = error
        self.write(kind="call", **record, stolenMs=waited_ms() - waited, cpuMs=cpu_ms)

    def _through(self, name: str, fails: bool) -> None:
        if self._life.get("plant") == "I4" and self._agent.state != "Live":
            fast_clock.true_sleep(STALLING_CALL_S * 10)
        self._breakers[name].call(work, fails)

    def _probe(self, name: str) -> None:
        """Fail until the breaker rejects: by that its policy is known, unless another set came between."""
        revision = self._agent.revision
        breaker = self._breakers[name]
        breaker.reset()
        tries, opened = 0, None
        while tries < GREATEST_TRIES and opened is None:
            try:
                if self._life.get("plant") == "I1" and self._agent.state != "Live":
                    work(True)
                breaker.call(work, True)
            except Down:
                tries += 1
            except fuseboard.CircuitOpenError:
                opened = tries
        if revision == self._agent.revision and (revision or "none") == self._recorded:
            self.write(kind="probe", breaker=name, tries=tries, **({} if opened is None else {"opened": opened}))

    def _applied(self, origin: str) -> None:
        revision = self._agent.revision or "none"
        self.write(kind="applied", origin=origin, revision=revision, view=self._view())
        self._recorded = revision

    def _view(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, breaker in self._breakers.items():
            policy = breaker.policy
            if policy is None:
                continue
            found[name] = {"uid": policy.uid, "generation": policy.generation}
            failures = (policy.spec.get("trip") or {}).get("consecutiveFailures")
            if failures is not None:
                found[name]["failures"] = failures
        return found

    def _uncaught(self, error: BaseException | None) -> None:
        self.write(kind="uncaught", error=f"{type(error).__name__}: {error}")


def work(fails: bool) -> None:
    if fails:
        raise Down


def timed(run: Callable[[], None]) -> tuple[float, str, str | None]:
    """How many milliseconds it took, what became of it, and what it raised that was not its own to raise."""
    begun = fast_clock.true_ms()
    outcome, foreign = "passed", None
    try:
        run()
    except Down:
        outcome = "failed"
    except fuseboard.CircuitOpenError:
        outcome = "rejected"
    except Exception as error:
        outcome, foreign = "foreign", f"{type(error).__name__}: {error}"
    return fast_clock.true_ms() - begun, outcome, foreign


def waited_ms() -> float:
    """How long this thread was ready to run and was not given a core, where the system tells; else 0."""
    try:
        with open(SCHEDULER, encoding="ascii") as file:
            return int(file.read().split()[1]) / 1e6
    except OSError:
        return 0.0


def resident_mb() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 2**20


service = Service(json.loads(sys.argv[1]))
service.begin()
print("born", flush=True)
service.run()
