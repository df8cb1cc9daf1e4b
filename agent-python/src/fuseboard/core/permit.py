"""Permission for one call."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from .classify import Outcome
from .generation import Generation
from .windows.histogram import FIRST_BUCKET_MS, latency_bucket

if TYPE_CHECKING:
    from .circuit import Circuit


def permit_of(circuit: Circuit, generation: Generation, started_at: float) -> Permit:
    """A permit that is not settled."""
    # Without a constructor in Python this takes half of the time.
    permit = Permit()
    permit.circuit = circuit
    permit.generation = generation
    permit.started_at = started_at
    permit.outcome = None
    return permit


class Permit:
    """Permission for one call. Settle it once; settling it again does nothing.

    As a context manager it succeeds when its block ends, fails with what the block raises, and is ignored when that is no
    ``Exception`` (a cancellation, an interrupt).
    """

    __slots__ = ("circuit", "generation", "outcome", "started_at")

    circuit: Circuit
    generation: Generation
    started_at: float
    outcome: Outcome | None
    """The outcome of the call, once it ended."""

    def succeed(self) -> None:
        """The call succeeded."""
        circuit = self.circuit
        read = circuit.read
        now = read() * circuit.scale
        took = now - self.started_at
        bucket = 0 if took < FIRST_BUCKET_MS else latency_bucket(took)
        generation = self.generation
        # No other thread runs in between: see ``Generation``.
        if now < generation.fast_path_until and self.outcome is None:
            self.outcome = "success"
            generation.calls += 1
            circuit.counters[bucket] += 1
            return
        circuit.settle(self, "success")

    def fail(self, error: BaseException | None = None) -> None:
        """The call failed. An error is classified by the policy; without one, the call is a failure."""
        if error is None:
            self.circuit.settle(self, "failure")
        else:
            self.circuit.settle_error(self, error)

    def ignore(self) -> None:
        """The outcome is ignored: it carries no information about the dependency."""
        self.circuit.settle(self, "ignored")

    def __enter__(self) -> Permit:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self.succeed()
        else:
            self.circuit.settle_error(self, error)
