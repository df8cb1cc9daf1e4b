"""A Python process on the real operator."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from .processes import Operator, Service, eventually


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[Operator]:
    (tmp_path / "policies").mkdir()
    started = Operator(tmp_path / "policies", tmp_path / "operator.log")
    put(tmp_path, consecutiveFailures=2)
    try:
        started.start()
        yield started
    finally:
        started.kill()


def put(tmp_path: Path, **trip: Any) -> None:
    """Write the policy as an editor does: whole, under another name, then renamed."""
    policy = {
        "apiVersion": "fuseboard.dev/v1alpha1",
        "kind": "CircuitBreakerPolicy",
        "metadata": {"name": "payments", "namespace": "shop"},
        "spec": {"breakers": ["payments"], "trip": trip, "recovery": {"openDuration": "10m"}},
    }
    new = tmp_path / "payments.yaml"
    new.write_text(yaml.safe_dump(policy))
    new.rename(tmp_path / "policies" / "payments.yaml")


def environment(operator: Operator, tmp_path: Path) -> dict[str, str]:
    return {
        "FUSEBOARD_URL": operator.url,
        "FUSEBOARD_NAMESPACE": "shop",
        "FUSEBOARD_SERVICE": "checkout-python",
        "FUSEBOARD_LABELS": "app=checkout",
        "FUSEBOARD_CACHE_DIR": str(tmp_path / "cache"),
    }


def test_a_python_process_is_an_agent_like_any_other(operator: Operator, tmp_path: Path) -> None:
    service = Service(environment(operator, tmp_path))
    try:
        assert service.began_with == "Defaults"
        assert service.ask("ready", timeout=60) == "Live"
        assert service.stats("payments")["spec"]["trip"] == {"consecutiveFailures": 2}

        # What it counts is seen in the admin API.
        assert service.call("payments", "fail", "fail", "ok") == ["failed", "failed", "rejected"]

        def seen() -> Any:
            (agent,) = operator.admin("/v1/agents")["items"]
            detail = operator.admin(f"/v1/agents/shop/{agent['boot']}")
            (breaker,) = detail["breakers"]
            return agent["service"], breaker["state"], breaker["totals"]["failed"], breaker["totals"]["rejected"]

        eventually(seen, ("checkout-python", "open", 2, 1))

        # An edit arrives, and the open circuit stays open.
        put(tmp_path, consecutiveFailures=7)
        eventually(lambda: service.stats("payments")["spec"]["trip"], {"consecutiveFailures": 7})
        assert service.stats("payments")["state"] == "open"

        def applied() -> Any:
            return operator.admin("/v1/policies/shop/payments")["status"]["agents"]["summary"]

        eventually(applied, "1/1")

        # An override applies, is seen as applied, and ends.
        spec = {"breakers": ["payments"], "action": "ForceClosed", "reason": "a false alarm", "duration": "10m"}
        made = operator.admin("/v1/overrides/shop", spec)
        eventually(lambda: service.stats("payments")["state"], "closed")
        name = made["name"]
        assert service.stats("payments")["override"] == name
        eventually(lambda: operator.admin(f"/v1/overrides/shop/{name}")["status"]["agents"]["summary"], "1/1")
        operator.admin(f"/v1/overrides/shop/{name}", method="DELETE")
        eventually(lambda: service.stats("payments")["override"], None)

        # The operator is killed: the breakers continue, and a new process begins with what the last one knew.
        service.ask("stop")
        operator.kill()
        service.kill()
        service = Service(environment(operator, tmp_path))
        assert service.began_with == "LastGood"
        assert service.stats("payments")["spec"]["trip"] == {"consecutiveFailures": 7}
        operator.start()
        assert service.ask("ready", timeout=60) == "Live"
    finally:
        service.kill()


def test_a_process_without_an_operator_runs_and_ends_by_itself(operator: Operator, tmp_path: Path) -> None:
    operator.kill()
    service = Service(environment(operator, tmp_path))
    try:
        assert service.ask("ready", timeout=0.1) == "Defaults"
        assert service.call("payments", "fail", "fail", "fail", "ok") == ["failed", "failed", "failed", "passed"]
        assert service.end() == 0
    finally:
        service.kill()
    operator.start()


def test_a_forked_child_is_an_agent_of_its_own(operator: Operator, tmp_path: Path) -> None:
    service = Service(environment(operator, tmp_path))
    try:
        assert service.ask("ready", timeout=60) == "Live"
        assert service.call("payments", "ok", "ok", "fail") == ["passed", "passed", "failed"]
        child = service.ask("fork")
        assert child["state"] == "closed" and child["uid"] == service.stats("payments")["uid"]
        assert (child["totals"]["succeeded"], child["totals"]["failed"]) == (1, 0)
        # The parent's stream is still its own.
        put(tmp_path, consecutiveFailures=9)
        eventually(lambda: service.stats("payments")["spec"]["trip"], {"consecutiveFailures": 9})
        assert service.stats("payments")["totals"]["succeeded"] == 2
    finally:
        service.kill()
