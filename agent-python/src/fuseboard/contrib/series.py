"""The numbers of breakers, as metrics have them; the same as those of the Node agent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from ..breakers.governed_breaker import GovernedBreaker
from ..core.windows.histogram import FIRST_BUCKET_MS
from ..link.link import LinkState
from ..process import registry

Point = tuple[dict[str, str], float]
LINK_STATES: tuple[LinkState, ...] = get_args(LinkState)
LINK_STATE_HELP = "Whether the link is in this state (Live, Stale, LastGood or Defaults): 1 or 0."
_STATES = ("closed", "open", "half-open")


@dataclass(frozen=True)
class Series:
    """A metric of breakers."""

    name: tuple[str, ...]
    """Words that are joined as each system joins them."""
    kind: Literal["gauge", "counter"]
    help: str
    points: Callable[[GovernedBreaker], list[Point]]


def _states(breaker: GovernedBreaker) -> list[Point]:
    current = breaker.state
    return [({"state": state}, float(state == current)) for state in _STATES]


def _outcomes(breaker: GovernedBreaker) -> list[Point]:
    totals = breaker.totals
    return [
        ({"outcome": "succeeded"}, totals["succeeded"]),
        ({"outcome": "failed"}, totals["failed"]),
        ({"outcome": "ignored"}, totals["ignored"]),
    ]


def _total(name: tuple[str, ...], read: Callable[[GovernedBreaker], int], help: str) -> Series:
    return Series(name, "counter", help, lambda breaker: [({}, read(breaker))])


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


def breakers() -> Iterator[GovernedBreaker]:
    """Every breaker of this process."""
    return (breaker for _, key, breaker in registry().breakers() if key is None)


def duration_buckets(breaker: GovernedBreaker) -> list[tuple[str, int]]:
    """How many calls took at most how many seconds, cumulative; the last one has no bound."""
    latency = breaker.latency
    buckets: list[tuple[str, int]] = []
    count = 0
    for i, calls in enumerate(latency):
        count += calls
        bound = "+Inf" if i == len(latency) - 1 else repr(FIRST_BUCKET_MS / 1_000 * 2**i)
        buckets.append((bound, count))
    return buckets
