"""Random cases: a policy, and what happens to its breaker."""

from __future__ import annotations

from random import Random
from typing import Any

KEYS = [None, None, None, None, "a", "b", "c", "*", "d"]
ONE_KEY = [None] * 19 + ["a"]
"""Where a limit learns from the calls of a circuit, most are of one."""
DURATIONS = ["1ms", "5ms", "10ms", "33ms", "100ms", "250ms", "1s", "1s500ms", "3s", "10s", "30s", "1m", "1h", "24h"]
NAMES = ["Error", "TypeError2", "Down", "Busy", "Gone"]
CODES = ["ECONNREFUSED", "E1", "42", "503"]
STATUSES = ["5xx", "4xx", "429", "503", "404", "2xx"]
JUNK: list[Any] = [None, True, 0, -1, 1.5, "", "x", "0s", "25h", [], {}, [1], 101, 1_000_001, "30", "1s ", {"a": 1}]
PATHS = [
    ["mode"], ["onUpdate"], ["trip"], ["trip", "window"], ["trip", "window", "type"], ["trip", "window", "size"],
    ["trip", "minimumCalls"], ["trip", "failureRate"], ["trip", "failureRate", "thresholdPercent"],
    ["trip", "slowCallRate"], ["trip", "slowCallRate", "slowerThan"], ["trip", "failureCount"],
    ["trip", "consecutiveFailures"], ["recovery"], ["recovery", "openDuration"], ["recovery", "maxOpenDuration"],
    ["recovery", "honorRetryAfter"], ["recovery", "halfOpen"], ["recovery", "halfOpen", "strategy"],
    ["recovery", "halfOpen", "evaluate"], ["recovery", "halfOpen", "rampDuration"], ["timeout"], ["timeout", "adaptive"],
    ["timeout", "adaptive", "min"], ["retry"], ["retry", "maxAttempts"], ["retry", "backoff", "initial"],
    ["concurrency"], ["concurrency", "maxQueue"], ["concurrency", "adaptive"], ["concurrency", "adaptive", "initial"],
    ["concurrency", "adaptive", "minConcurrent"], ["classify"], ["classify", "failure", "errorNames"],
    ["classify", "ignore", "httpStatus"], ["fallback"], ["fallback", "type"], ["fallback", "static"],
    ["fallback", "maxAge"], ["perKey", "maxKeys"], ["breakers"], ["selector"], ["selector", "matchLabels"],
    ["selector", "matchExpressions"], ["unknown"],
]  # fmt: skip


class CaseMaker:
    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._keys: list[str | None] = KEYS

    def case(self, steps: int) -> dict[str, Any]:
        random = self._random
        with_calls = random.random() < 0.1
        policy = self.policy(with_calls)
        is_adaptive = "adaptive" in policy.get("concurrency", {})
        self._keys = ONE_KEY if is_adaptive else KEYS
        steps *= 4 if is_adaptive else 1
        made: list[list[Any]] = []
        number = 0
        running: list[int] = []
        answered: set[int] = set()
        """Calls with a fallback in code: it answers a caller that gave up in JavaScript, and nobody in Python."""
        while len(made) < steps:
            choice = random.random()
            if choice < 0.34:
                number += 1
                step = self.start(number, with_calls)
                made.append(step)
                if with_calls and "fallback" in step[3]:
                    answered.add(number)
                running.append(number)
                if random.random() < 0.5 and not with_calls:
                    made.append(["end", running.pop(), self.outcome()])
            elif choice < 0.6 and running:
                ended = running.pop(random.randrange(len(running)))
                outcome = self.outcome()
                if with_calls and outcome == "ignored":
                    # Only its caller can make that of a call.
                    outcome = "success"
                made.append(["finish" if with_calls else "end", ended, outcome])
                if (with_calls and random.random() < 0.6) or (not with_calls and random.random() < 0.05):
                    running.append(ended)
            elif choice < 0.8:
                made.append(self.passing())
            elif choice < 0.85:
                made.append(self.manual_control())
            elif choice < 0.88:
                made.append(["edit", self.edit(policy, with_calls)])
            elif choice < 0.89:
                made.append(["classify", self.outcome(detailed=True)])
            elif choice < 0.9 and with_calls and running:
                given_up = running.pop(random.randrange(len(running)))
                if given_up not in answered:
                    made.append(["abort", given_up])
            else:
                made.append(["read", random.choice(KEYS)])
        made.append(["read", None])
        return {"policy": policy, "seed": random.randrange(1, 2**31 - 1), "steps": made}

    def start(self, number: int, with_calls: bool) -> list[Any]:
        key = self._random.choice(self._keys)
        if not with_calls:
            return ["begin", number, key]
        options = {}
        if self._random.random() < 0.2:
            options["fallback"] = "instead"
        if self._random.random() < 0.3:
            options["key"] = self._random.choice(["x", "y"])
        return ["call", number, key, options]

    def passing(self) -> list[Any]:
        random = self._random
        kind = random.random()
        ms: float
        if kind < 0.5:
            ms = random.randrange(0, 60)
        elif kind < 0.8:
            ms = random.randrange(0, 3_000)
        elif kind < 0.9:
            ms = random.randrange(0, 240) / 8
        elif kind < 0.97:
            ms = random.choice([5, 10, 33, 100, 250, 1_000, 1_500, 3_000, 10_000, 30_000])
        else:
            ms = random.randrange(0, 7_200_000)
        return ["stall" if random.random() < 0.05 else "advance", ms]

    def manual_control(self) -> list[Any]:
        random = self._random
        kind = random.random()
        key = random.choice(KEYS)
        if kind < 0.3:
            return ["forceOpen", random.choice(DURATIONS), "drill", key]
        if kind < 0.6:
            return ["forceClosed", random.choice(DURATIONS), "drill", key]
        if kind < 0.75:
            return ["reset", key]
        return ["overrides", [self.override(name) for name in random.sample(["o1", "o2", "o3"], random.randrange(0, 3))]]

    def override(self, name: str) -> dict[str, Any]:
        random = self._random
        return {
            "name": name,
            "action": random.choice(["ForceOpen", "ForceClosed", "Reset"]),
            "reason": "drill",
            "createdAt": random.randrange(0, 3),
            "lastsMs": random.choice([0, 10, 500, 1_500, 5_000, 60_000]),
        }

    def outcome(self, detailed: bool = False) -> Any:
        random = self._random
        kind = random.random()
        if not detailed and kind < 0.45:
            return "success"
        if not detailed and kind < 0.75:
            return "failed"
        if not detailed and kind < 0.8:
            return "ignored"
        if detailed and kind < 0.3:
            return {"returns": {"status": random.choice([200, 204, 404, 429, 500, 503, 599])}}
        return {"throws": self.thrown()}

    def thrown(self, causes: int = 0) -> dict[str, Any]:
        random = self._random
        thrown: dict[str, Any] = {}
        if random.random() < 0.5:
            thrown["classes"] = random.sample(NAMES, random.randrange(0, 3))
        for field, values in (("name", NAMES), ("code", [*CODES, 42, 503, 1.5]), ("status", [99, 404, 503, 600, 429])):
            if random.random() < 0.25:
                thrown[field] = random.choice(values)
        if random.random() < 0.1:
            thrown["statusCode"] = random.choice([200, 404, 500])
        if random.random() < 0.2:
            thrown["headers"] = self.headers()
        if random.random() < 0.15:
            thrown["responseStatus"] = random.choice([200, 404, 500, 503, 700])
            thrown["responseHeaders"] = self.headers()
        if causes < 3 and random.random() < 0.3:
            thrown["cause"] = self.thrown(causes + 1)
        return thrown

    def headers(self) -> dict[str, str]:
        values = ["1", "3", "0", "3600", " 2 ", "x", "-1", "1.5", "Thu, 01 Jan 2026 00:00:05 GMT", "Thu Jan  1 00:00:05 2026", "9999999999"]
        name = self._random.choice(["retry-after", "Retry-After", "RETRY-AFTER", "retry-after-ms", "Retry-After-Ms"])
        return {name: self._random.choice(values)}

    def edit(self, policy: dict[str, Any], with_calls: bool) -> Any:
        """Another policy, the same with a part of another, or one that cannot be used."""
        random = self._random
        kind = random.random()
        other = self.policy(with_calls)
        if kind < 0.3:
            return other
        mixed: Any = dict(policy)
        for part in random.sample(sorted(other), min(len(other), random.randrange(1, 3))):
            mixed[part] = other[part]
        if kind < 0.75:
            return mixed
        return self.spoiled(mixed)

    def spoiled(self, spec: dict[str, Any]) -> Any:
        random = self._random
        if random.random() < 0.05:
            return random.choice(JUNK)
        made: Any = {**spec}
        at: Any = made
        *path, last = random.choice(PATHS)
        for name in path:
            inner = at.get(name)
            at[name] = {**inner} if isinstance(inner, dict) else {}
            at = at[name]
        if random.random() < 0.3:
            at.pop(last, None)
        else:
            at[last] = random.choice(JUNK)
        return made

    def policy(self, with_calls: bool) -> dict[str, Any]:
        random = self._random
        spec: dict[str, Any] = {}
        if random.random() < 0.95:
            spec["trip"] = self.trip()
        spec["recovery"] = self.recovery("trip" in spec and not {"failureRate", "slowCallRate"}.isdisjoint(spec["trip"]))
        if random.random() < 0.25:
            spec["mode"] = random.choice(["Enforce", "Shadow", "Shadow", "Disabled"])
        if random.random() < 0.2:
            spec["onUpdate"] = random.choice(["Preserve", "Reset"])
        if random.random() < 0.2:
            spec["classify"] = self.classify()
        if random.random() < 0.25:
            spec["concurrency"] = self.concurrency()
        if random.random() < 0.5:
            spec["perKey"] = {"maxKeys": random.randrange(1, 4), "idleTimeout": random.choice(DURATIONS[4:10])}
        if with_calls:
            self.around_calls(spec)
        return spec

    def concurrency(self) -> dict[str, Any]:
        random = self._random
        concurrency: dict[str, Any] = {"maxConcurrent": random.randrange(1, 4)}
        if random.random() < 0.5:
            concurrency |= {"maxQueue": random.randrange(0, 3), "queueTimeout": random.choice(DURATIONS[3:8])}
        if random.random() < 0.5:
            least = random.randrange(1, 4)
            most = random.randrange(least, 9)
            concurrency["maxConcurrent"] = most
            concurrency["adaptive"] = {"initial": random.randrange(least, most + 1)}
            if least > 1 or random.random() < 0.5:
                concurrency["adaptive"]["minConcurrent"] = least
        return concurrency

    def trip(self) -> dict[str, Any]:
        random = self._random
        trip: dict[str, Any] = {}
        kind = random.random()
        if kind < 0.4:
            trip["window"] = {"type": "Time", "duration": random.choice(DURATIONS[2:10])}
        elif kind < 0.65:
            trip["window"] = {"type": "Count", "size": random.choice([1, 2, 5, 10, 17])}
        elif kind < 0.9:
            trip["window"] = {"type": "Ewma", "halfLife": random.choice(DURATIONS[3:10])}
        if random.random() < 0.5:
            trip["failureRate"] = {"thresholdPercent": random.choice([1, 30, 50, 75, 100])}
        if random.random() < 0.4:
            slower = random.choice(["10ms", "50ms", "100ms", "1s", "333ms"])
            trip["slowCallRate"] = {"thresholdPercent": random.choice([1, 50, 100]), "slowerThan": slower}
        if trip.keys() & {"failureRate", "slowCallRate"} and random.random() < 0.8:
            trip["minimumCalls"] = random.choice([1, 2, 3, 5, 10])
        if random.random() < 0.3:
            trip["consecutiveFailures"] = random.randrange(1, 6)
        if random.random() < 0.25 or not trip.keys() & {"failureRate", "slowCallRate", "consecutiveFailures"}:
            size = trip.get("window", {}).get("size", 6)
            trip["failureCount"] = random.randrange(1, min(size, 6) + 1)
        return trip

    def recovery(self, has_rate: bool) -> dict[str, Any]:
        random = self._random
        recovery: dict[str, Any] = {"openDuration": random.choice(DURATIONS[1:9])}
        if random.random() < 0.4:
            recovery["backoffFactor"] = random.randrange(1, 11)
        if random.random() < 0.3:
            recovery["maxOpenDuration"] = random.choice(DURATIONS[9:])
        if random.random() < 0.4:
            recovery["jitterPercent"] = random.choice([0, 1, 50, 100])
        if random.random() < 0.4:
            recovery["honorRetryAfter"] = random.random() < 0.8
        kind = random.random()
        if kind < 0.25:
            recovery["halfOpen"] = {"strategy": "Ramp", "rampDuration": random.choice(DURATIONS[3:9])}
        elif kind < 0.85:
            half_open: dict[str, Any] = {"maxProbes": random.randrange(1, 5)}
            if random.random() < 0.6:
                half_open["probeTimeout"] = random.choice(DURATIONS[2:9])
            if has_rate and random.random() < 0.5:
                half_open["evaluate"] = "FailureRate"
            elif random.random() < 0.5:
                half_open["successThreshold"] = random.randrange(1, 5)
            recovery["halfOpen"] = half_open
        return recovery

    def classify(self) -> dict[str, Any]:
        random = self._random
        sides = {}
        for side in ("failure", "ignore"):
            if random.random() < 0.7:
                lists = (("errorNames", NAMES), ("errorCodes", CODES), ("httpStatus", STATUSES))
                sides[side] = {name: random.sample(words, random.randrange(0, 3)) for name, words in lists if random.random() < 0.5}
        return sides

    def around_calls(self, spec: dict[str, Any]) -> None:
        random = self._random
        if random.random() < 0.5:
            spec["timeout"] = {"duration": random.choice(DURATIONS[3:8])}
            if random.random() < 0.4:
                spec["timeout"]["adaptive"] = {"max": random.choice(DURATIONS[6:9]), "minimumSamples": random.randrange(1, 4)}
        if random.random() < 0.6:
            spec["retry"] = {
                "maxAttempts": random.randrange(1, 5),
                "backoff": {"initial": random.choice(DURATIONS[1:6]), "jitterPercent": random.choice([0, 25])},
                "budgetPercent": random.choice([1, 20, 100]),
                "minPerSecond": random.choice([0, 1, 3]),
                "placement": random.choice(["OutsideBreaker", "InsideBreaker"]),
            }
        if random.random() < 0.4:
            spec["fallback"] = random.choice(
                [
                    {"type": "Static", "static": {"value": {"a": [1, None]}}},
                    {"type": "LastSuccess", "maxAge": random.choice(DURATIONS[4:8])},
                    {"type": "LastSuccess"},
                    {"type": "None"},
                ]
            )
