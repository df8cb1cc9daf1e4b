"""The errors of Fuseboard's own. Errors of the caller's function are never wrapped in one."""

from __future__ import annotations

import json
import math
from typing import ClassVar

from .core.outcomes.outcome_facts import explicit_causes
from .core.text import cut, printable, utf16_length

_LONGEST_SHOWN = 64


class FuseboardError(Exception):
    """Base of all errors of Fuseboard's own; each is made fresh for its call."""

    code: ClassVar[str]
    """What went wrong, for programs: the same in every release and every language."""

    def __init__(self, breaker: str, retry_after: float = 0, message: str = "", key: str | None = None) -> None:
        super().__init__(breaker, retry_after, message, key)

    @property
    def breaker(self) -> str:
        """The name of the breaker."""
        return str(self.args[0])

    @property
    def retry_after(self) -> float:
        """When another try makes sense, in seconds; 0 when that is not known."""
        return float(self.args[1])

    @property
    def key(self) -> str | None:
        """The key whose circuit it is. ``None``: the breaker's own."""
        key: str | None = self.args[3]
        return key

    def __str__(self) -> str:
        return str(self.args[2])


class CircuitOpenError(FuseboardError):
    """The breaker rejected the call: its circuit is open, or half-open with all its probes under way.

    The function was not called.
    """

    code = "ERR_FUSEBOARD_OPEN"

    def __str__(self) -> str:
        message = super().__str__()
        if message:
            return message
        whose = called(self.breaker, self.key)
        if self.retry_after > 0:
            return f"{whose} is open; retry in {seconds(self.retry_after * 1_000)}"
        return f"{whose} is half-open and its probes are under way; retry when they have ended"


class LimitedError(FuseboardError):
    """The policy's limit of concurrent calls is reached, and its queue, if any, is full. The function was not called."""

    code = "ERR_FUSEBOARD_LIMITED"


class QueueTimeoutError(FuseboardError):
    """The call waited in the queue for as long as the policy allows, and no other call ended. The function was not called."""

    code = "ERR_FUSEBOARD_QUEUE_TIMEOUT"


class CallTimeoutError(FuseboardError):
    """The call was given up after the time that the policy allows; what it still does, it does for nobody."""

    code = "ERR_FUSEBOARD_TIMEOUT"


class ConfigError(FuseboardError, ValueError):
    """A breaker cannot be made or set up as asked; the message says what to change."""

    code = "ERR_FUSEBOARD_CONFIG"


NOT_ADMITTED = (CircuitOpenError, LimitedError, QueueTimeoutError)
"""The errors of calls whose function was not called."""


def was_not_admitted(error: BaseException) -> bool:
    """Whether a breaker did not admit the call that raised this, or that it was raised ``from``."""
    return any(isinstance(each, NOT_ADMITTED) for each in explicit_causes(error))


def circuit_open(name: str, key: str | None, retry_after_ms: float) -> CircuitOpenError:
    # An open circuit is worth little if a rejection costs much: the constructor would only put these where they are
    # put here.
    return CircuitOpenError.__new__(CircuitOpenError, name, retry_after_ms / 1_000, "", key)


def limited(name: str, key: str | None, max_concurrent: int, max_queue: int) -> LimitedError:
    queue = f" and {max_queue} wait" if max_queue else ""
    message = (
        f"{called(name, key)} has {max_concurrent} calls under way{queue}, as many as its policy allows; "
        "retry when some have ended"
    )
    return LimitedError(name, 0, message, key)


def queue_timeout(name: str, key: str | None, queue_timeout_ms: float) -> QueueTimeoutError:
    message = (
        f"a call through {called(name, key)} waited {seconds(queue_timeout_ms)} in the queue and none of the calls "
        "under way ended; retry later"
    )
    return QueueTimeoutError(name, 0, message, key)


def call_timeout(name: str, key: str | None, timeout_ms: float) -> CallTimeoutError:
    return CallTimeoutError(
        name, 0, f"a call through {called(name, key)} was given up after {seconds(timeout_ms)}", key
    )


def called(name: str, key: str | None) -> str:
    """A breaker or the circuit of a key, for messages; a key may hold anything and be long."""
    if key is None:
        return f'breaker "{name}"'
    short = f"{cut(key, _LONGEST_SHOWN)}…" if utf16_length(key) > _LONGEST_SHOWN else key
    return f'breaker "{name}" key {printable(json.dumps(short, ensure_ascii=False))}'


def seconds(ms: float) -> str:
    """A time for people."""
    tenths = math.ceil(ms / 100)
    return f"{math.ceil(ms)} ms" if tenths < 10 else f"{tenths // 10}.{tenths % 10} s"
