"""One operation of a circuit at a time, and the notification of its listeners after it, without the lock."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from threading import RLock, local
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from .classify import Outcome
from .permit import Permit
from .state import TransitionEvent

P = ParamSpec("P")
R = TypeVar("R")
E = TypeVar("E", bound="Exclusive")
L = TypeVar("L", bound="_HasLock")


def has_gil() -> bool:
    """Whether one thread at a time runs Python code; without that, nothing may be counted without a lock."""
    return bool(getattr(sys, "_is_gil_enabled", lambda: True)())


def exclusive(method: Callable[Concatenate[E, P], R]) -> Callable[Concatenate[E, P], R]:
    """Run a method as the only one at a time; after it, listeners are notified without the lock."""

    @wraps(method)
    def run(self: E, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self._lock:
            nested = self._busy
            self._busy = True
            try:
                result = method(self, *args, **kwargs)
            finally:
                if not nested:
                    self._end_operation()
        if self._pending_events is not None and not nested:
            self.notify_listeners()
        return result

    return run


class _HasLock(Protocol):
    _lock: Any


class _Deferral(local):
    """The circuits whose listeners the current thread notifies later."""

    circuits: list[Exclusive] | None = None
    """``None``: listeners are notified at once."""


_deferral = _Deferral()


def locked(method: Callable[Concatenate[L, P], R]) -> Callable[Concatenate[L, P], R]:
    """Run a method that uses circuits with the lock of its object; listeners are notified after it, without that lock.

    A listener may wait for another thread, and that one may wait for the lock.
    """

    @wraps(method)
    def run(self: L, /, *args: P.args, **kwargs: P.kwargs) -> R:
        if _deferral.circuits is not None:
            with self._lock:
                return method(self, *args, **kwargs)
        circuits: list[Exclusive] = []
        _deferral.circuits = circuits
        try:
            with self._lock:
                return method(self, *args, **kwargs)
        finally:
            _deferral.circuits = None
            for circuit in circuits:
                circuit.notify_listeners()

    return run


class Exclusive:
    """What several threads use at once: a lock, the outcomes that arrive inside of another operation, and the listeners."""

    __slots__ = ("_busy", "_deferred", "_is_notifying", "_lock", "_notify", "_pending_events")

    def __init__(self, notify: Callable[[TransitionEvent], None]) -> None:
        """``notify`` is called with each change of state, once the state is consistent. It must not raise."""
        self._notify = notify
        self._reset_operations()

    def _reset_operations(self) -> None:
        self._lock = RLock()
        self._busy = False
        self._deferred: list[tuple[Permit, Outcome, object]] | None = None
        """Outcomes that arrived inside of another operation of the same thread: from a finalizer or a signal handler."""
        self._pending_events: list[TransitionEvent] | None = None
        """Changes of state that listeners were not notified of yet."""
        self._is_notifying = False

    def _settle_unsettled(self, permit: Permit, outcome: Outcome, returned_or_raised: object) -> None:
        """Settle a permit unless it is settled. Called with the lock."""
        raise NotImplementedError

    def _end_operation(self) -> None:
        try:
            while self._deferred:
                self._settle_unsettled(*self._deferred.pop(0))
            self._deferred = None
        finally:
            self._busy = False

    def _defer(self, permit: Permit, outcome: Outcome, returned_or_raised: object) -> None:
        if self._deferred is None:
            self._deferred = []
        self._deferred.append((permit, outcome, returned_or_raised))

    def _announce(self, event: TransitionEvent) -> None:
        if self._pending_events is None:
            self._pending_events = []
        self._pending_events.append(event)

    def notify_listeners(self) -> None:
        """Notify the listeners of the changes of state that they do not know yet, in their order, without the lock.

        Inside of a method that is ``locked`` they are notified after it.
        """
        if _deferral.circuits is not None:
            _deferral.circuits.append(self)
            return
        while True:
            is_notifier = False
            try:
                with self._lock:
                    if not self._pending_events or self._is_notifying:
                        return
                    self._is_notifying = is_notifier = True
                    events, self._pending_events = self._pending_events, None
                for event in events:
                    self._notify(event)
            finally:
                if is_notifier:
                    self._is_notifying = False
