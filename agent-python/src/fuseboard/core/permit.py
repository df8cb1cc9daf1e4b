"""Permission for one call."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from .classify import Outcome
from .epoch import Epoch

if TYPE_CHECKING:
    from .breaker import BreakerCore


class Permit:
    """Permission for one call. Settle it once; settling it again does nothing.

    As a context manager it succeeds when its block ends, fails with what the block raises, and is ignored when that is no
    ``Exception`` (a cancellation, an interrupt).
    """

    __slots__ = ("core", "epoch", "outcome", "started_at")

    def __init__(self, core: BreakerCore, epoch: Epoch, started_at: float) -> None:
        self.core = core
        self.epoch = epoch
        self.started_at = started_at
        self.outcome: Outcome | None = None
        """How the call was judged, once it was."""

    def succeed(self) -> None:
        """The call went well."""
        self.core.settle(self, "success")

    def fail(self, error: BaseException | None = None) -> None:
        """The call failed. An error is judged as the policy's ``classify`` says; without one it is a failure."""
        if error is None:
            self.core.settle(self, "failure")
        else:
            self.core.settle_error(self, error)

    def ignore(self) -> None:
        """The call says nothing about the dependency."""
        self.core.settle(self, "ignored")

    def __enter__(self) -> Permit:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self.core.settle(self, "success")
        else:
            self.core.settle_error(self, error)
