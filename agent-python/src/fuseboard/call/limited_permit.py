"""A permit that holds a slot among the concurrent calls."""

from __future__ import annotations

from types import TracebackType

from ..core.classify import Outcome
from ..core.clock import Environment
from ..core.permit import Permit
from .call_layers import CallLayers


class LimitedPermit:
    """The slot is held until the permit is settled."""

    __slots__ = ("_began", "_environment", "_layers", "_permit")

    def __init__(self, permit: Permit, layers: CallLayers, environment: Environment) -> None:
        self._permit = permit
        self._environment = environment
        self._began = environment.now() if layers.has_adaptive_limit else None
        self._layers: CallLayers | None = layers

    @property
    def outcome(self) -> Outcome | None:
        """The outcome of the call, once it ended."""
        return self._permit.outcome

    def succeed(self) -> None:
        """The call went well."""
        layers = self._leave()
        self._permit.succeed()
        self._record(layers)

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
        layers = self._leave()
        self._permit.__exit__(kind, error, traceback)
        self._record(layers)

    def _leave(self) -> CallLayers | None:
        layers, self._layers = self._layers, None
        if layers is not None:
            layers.release()
        return layers

    def _record(self, layers: CallLayers | None) -> None:
        if layers is not None and self._began is not None and self._permit.outcome == "success":
            layers.record_call(self._environment.now() - self._began)
