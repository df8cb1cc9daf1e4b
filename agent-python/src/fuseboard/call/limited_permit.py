"""A permit that holds a slot among the concurrent calls."""

from __future__ import annotations

from types import TracebackType

from ..core.classify import Outcome
from ..core.clock import Environment
from ..core.layers.limiter import Slot
from ..core.permit import Permit


class LimitedPermit:
    """The slot is held until the permit is settled."""

    __slots__ = ("_began", "_environment", "_permit", "_slot")

    def __init__(self, permit: Permit, slot: Slot, is_timed: bool, environment: Environment) -> None:
        self._permit = permit
        self._environment = environment
        self._began = environment.now() if is_timed else None
        self._slot: Slot | None = slot

    @property
    def outcome(self) -> Outcome | None:
        """The outcome of the call, once it ended."""
        return self._permit.outcome

    def succeed(self) -> None:
        """The call went well."""
        slot = self._leave()
        self._permit.succeed()
        self._record(slot)

    def fail(self, error: BaseException | None = None) -> None:
        """The call failed. An error is classified by the policy; without one, the call is a failure."""
        self._leave()
        self._permit.fail(error)

    def ignore(self) -> None:
        """The call says nothing about the dependency."""
        self._leave()
        self._permit.ignore()

    def __enter__(self) -> LimitedPermit:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        slot = self._leave()
        self._permit.__exit__(kind, error, traceback)
        self._record(slot)

    def _leave(self) -> Slot | None:
        slot, self._slot = self._slot, None
        if slot is not None:
            slot.release()
        return slot

    def _record(self, slot: Slot | None) -> None:
        if slot is not None and self._began is not None and self._permit.outcome == "success":
            slot.owner.record_call(self._environment.now() - self._began)
