"""A service with breakers, told by lines of JSON what to do; answers each with a line.

Everything else (URL, labels, cache folder) comes from the environment, as in a real service.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import fuseboard


def call(name: str, outcome: str) -> str:
    def work() -> str:
        if outcome == "fail":
            raise ConnectionError("the partner is down")
        return "fine"

    try:
        fuseboard.get_breaker(name).call(work)
    except fuseboard.CircuitOpenError:
        return "rejected"
    except ConnectionError:
        return "failed"
    return "passed"


def stats(name: str) -> dict[str, Any]:
    breaker = fuseboard.get_breaker(name)
    found, policy = breaker.stats(), breaker.policy
    return {
        "state": found.state,
        "uid": found.policy_uid,
        "generation": None if policy is None else policy.generation,
        "spec": None if policy is None else policy.spec,
        "totals": found.totals,
        "override": None if found.forced is None else found.forced.override,
    }


def fork() -> dict[str, Any]:
    """Fork a child that makes a call of its own and waits until it is on the stream."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        agent = fuseboard.start()
        call("payments", "ok")
        state = agent.ready(20)
        os.write(writer, json.dumps({"state": state, **stats("payments")}).encode())
        agent.stop(5)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        answer = json.loads(file.read())
    assert os.waitpid(pid, 0)[1] == 0
    return {"pid": pid, **answer}


def answer(request: dict[str, Any], agent: fuseboard.Agent) -> Any:
    command = request["command"]
    if command == "call":
        return [call(request["breaker"], outcome) for outcome in request["outcomes"]]
    if command == "stats":
        return stats(request["breaker"])
    if command == "link":
        return {"state": agent.state, "revision": agent.revision}
    if command == "ready":
        return agent.ready(request["timeout"])
    if command == "fork":
        return fork()
    return agent.stop(5)


def main() -> None:
    agent = fuseboard.start()
    print(json.dumps({"beganWith": agent.state}), flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line), agent)), flush=True)


main()
