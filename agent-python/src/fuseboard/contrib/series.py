"""The numbers of breakers, as metrics have them; the same as those of the Node agent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from ..breakers.circuit import Circuit
from ..link.link import LinkState
from ..process import registry

Point = tuple[dict[str, str], float]
LINK_STATES: tuple[LinkState, ...] = get_args(LinkState)
FIRST_BUCKET_SECONDS = 0.000_125
_STATES = ("closed", "open", "half-open")


@dataclass(frozen=True)
class Series:
    """A metric of breakers."""

    name: tuple[str, ...]
    """Words that are joined as each system joins them."""
    kind: Literal["gauge", "counter"]
    help: str
    points: Callable[[Circuit], list[Point]]


def _states(circuit: Circuit) -> list[Point]:
    current = circuit.state
    return [({"state": state}, float(state == current)) for state in _STATES]


def _outcomes(circuit: Circuit) -> list[Point]:
    totals = circuit.totals
    return [
        ({"outcome": "succeeded"}, totals["succeeded"]),
        ({"outcome": "failed"}, totals["failed"]),
        ({"outcome": "ignored"}, totals["ignored"]),
    ]


def _total(name: tuple[str, ...], read: Callable[[Circuit], int], help: str) -> Series:
    return Series(name, "counter", help, lambda circuit: [({}, read(circuit))])


SERIES = (
    Series(("breaker", "state"), "gauge", "Whether the circuit breaker is in this state: 1 or 0.", _states),
    Series(("calls",), "counter", "Calls that ended, by outcome.", _outcomes),
    _total(("rejected",), lambda c: c.totals["rejected"], "Calls that the circuit breaker rejected."),
    _total(
        ("shadow", "rejected"),
        lambda c: c.totals["shadowRejected"],
        "Calls that passed and would have been rejected in mode Enforce.",
    ),
    _total(
        ("timed", "out"),
        lambda c: c.totals["timedOut"],
        "Calls that reached the timeout of the policy, including those that then failed.",
    ),
    _total(("slow",), lambda c: c.totals["slow"], "Calls that took longer than slowerThan of the policy."),
    _total(("retried",), lambda c: c.totals["retried"], "Attempts after the first one of a call."),
    _total(("fallback",), lambda c: c.totals["fallback"], "Calls that were answered by a fallback."),
)


def breakers() -> Iterator[Circuit]:
    """Every breaker of this process."""
    return (circuit for _, key, circuit in registry().circuits() if key is None)


def duration_buckets(circuit: Circuit) -> list[tuple[str, int]]:
    """How many calls took at most how many seconds, cumulative; the last one has no bound."""
    latency = circuit.latency
    buckets: list[tuple[str, int]] = []
    count = 0
    for i, calls in enumerate(latency):
        count += calls
        bound = "+Inf" if i == len(latency) - 1 else repr(FIRST_BUCKET_SECONDS * 2**i)
        buckets.append((bound, count))
    return buckets
