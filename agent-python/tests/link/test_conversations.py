"""Every conversation of the contract, with this agent's link."""

from __future__ import annotations

import platform
import queue
from pathlib import Path
from typing import Any

import pytest
import yaml

import fuseboard
from fuseboard.breakers.governed_breaker import GovernedBreaker
from fuseboard.breakers.registry import Registry
from fuseboard.link.guard_option import read_guard
from fuseboard.link.ledger import Ledger
from fuseboard.link.link import Link
from fuseboard.link.settings import StartOptions, read_settings
from fuseboard.warning import WarningLog
from scripted_operator import WAIT_S, AgentStream, ScriptedOperator, eventually
from wire_contract import faults_of

FOLDER = Path(__file__).parents[3] / "crds/schema/conversations"
FILES = sorted(FOLDER.glob("*.yaml"))


def test_every_conversation_is_there() -> None:
    assert len(FILES) >= 27


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_conversation(path: Path) -> None:
    conversation = yaml.safe_load(path.read_text())
    operator = ScriptedOperator()
    registry = Registry()
    registry.use_guard(read_guard(conversation.get("guard")))
    breakers = {name: registry.get_breaker(name) for name in conversation["breakers"]}
    options = StartOptions(url=operator.url, service="checkout", labels={"app": "checkout"})
    warnings: list[str] = []
    # Of chance 0, the first report would leave with the hello, before or after the set that comes along with it.
    link = Link(read_settings(options, {}), registry, Ledger("c" * 32), WarningLog(warnings.append), lambda: 0.1)
    link.load()
    link.start()
    try:
        replay = Replay(operator, link, breakers, warnings)
        for step in conversation["steps"]:
            replay.take(step)
    finally:
        link.stop(0)
        operator.stop()


class Replay:
    def __init__(
        self, operator: ScriptedOperator, link: Link, breakers: dict[str, GovernedBreaker], warnings: list[str]
    ) -> None:
        self._operator = operator
        self._link = link
        self._breakers = breakers
        self._warnings = warnings
        self._stream: AgentStream | None = None

    def take(self, step: dict[str, Any]) -> None:
        if "connect" in step:
            self._connected(step["connect"])
        elif "report" in step:
            self._reported(step["report"])
        elif "expect" in step:
            self._comes_to(step["expect"])
        elif "warned" in step:
            for text, times in step["warned"].items():
                assert len([each for each in self._warnings if text in each]) == times
        elif "answer" in step:
            self._operator.answers = list(step["answer"])
        elif "answered" in step:
            eventually(lambda: not self._operator.answers, "the last of these answers")
        elif "calls" in step:
            circuit = self._breakers[step["calls"]["breaker"]].circuit
            error = step["calls"].get("error")
            raised = None if error is None else type(error["name"], (Exception,), {})(error["message"])
            for _ in range(step["calls"]["failures"]):
                permit = circuit.enter()
                if permit is not None:
                    circuit.settle(permit, "failure", raised)
        else:
            assert self._stream is not None
            self._play(self._stream, step)

    def _play(self, stream: AgentStream, step: dict[str, Any]) -> None:
        if "refuse" in step:
            headers = step["refuse"].get("headers", {})
            stream.refuse(
                step["refuse"]["status"], {k: v.replace("$URL", self._operator.url) for k, v in headers.items()}
            )
        elif "send" in step:
            stream.send(step["send"].replace("$URL", self._operator.url))
        elif "repeat" in step:
            text = step["repeat"]["send"]
            stream.send("\n".join(text.replace("$i", str(i)) for i in range(step["repeat"]["times"])))
        elif "cut" in step:
            stream.cut()
        else:
            assert step == {"hangUp": True}
            stream.wait_until_hung_up()

    def _connected(self, wanted: dict[str, Any]) -> None:
        self._stream = stream = self._operator.streams.get(timeout=WAIT_S)
        assert stream.path == "/v1/stream"
        assert faults_of("query", {**stream.query, "protocol": int(stream.query["protocol"])}) == []
        assert (stream.query["service"], stream.query["labels"]) == ("checkout", "app=checkout")
        assert (stream.query["language"], stream.query["version"]) == ("python", fuseboard.__version__)
        assert stream.query["runtime"] == platform.python_version()
        found = {"lastEventId": stream.last_event_id, "since": stream.query["since"]}
        assert {name: found[name] for name in wanted} == wanted

    def _reported(self, wanted: dict[str, Any]) -> None:
        seen: list[Any] = []
        while True:
            try:
                path, report = self._operator.reports.get(timeout=WAIT_S)
            except queue.Empty:
                pytest.fail(f"no report holds {wanted}; there were {seen}")
            assert faults_of("report", report) == []
            seen.append((path, report))
            if path == wanted.get("path", "/v1/report") and holds(wanted["holds"], report):
                return

    def _comes_to(self, wanted: dict[str, Any]) -> None:
        breakers = wanted.get("breakers", {})

        def look() -> dict[str, Any]:
            seen = {name: shown(self._breakers[name]) for name in breakers}
            found = {name: {key: seen[name][key] for key in fields} for name, fields in breakers.items()}
            return {"link": self._link.state if "link" in wanted else None, "breakers": found}

        expected = {"link": wanted.get("link"), "breakers": breakers}
        try:
            eventually(lambda: look() == expected)
        except AssertionError:
            assert look() == expected


def holds(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, list):
        return (
            isinstance(found, list)
            and len(found) == len(wanted)
            and all(holds(a, b) for a, b in zip(wanted, found, strict=True))
        )
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(holds(value, found.get(key)) for key, value in wanted.items())
    return bool(wanted == found)


def shown(breaker: GovernedBreaker) -> dict[str, Any]:
    policy, forced = breaker.policy, breaker.forced
    override = None if forced is None else forced[0].override
    return {
        "uid": breaker.policy_uid,
        "generation": None if policy is None else policy.generation,
        "state": breaker.state,
        "guardedBy": ", ".join(breaker.guarded_by),
        "heldBy": None if override is None else override.uid,
    }
