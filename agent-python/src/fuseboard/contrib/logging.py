"""For logging, structlog, and whatever logs with keyword fields."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Protocol

from ..breakers.governed_breaker import GovernedBreaker
from ..core.state import TransitionEvent
from ..core.text import printable
from ..process import registry


class FieldLogger(Protocol):
    """What is needed of structlog's loggers."""

    def info(self, event: str, **fields: Any) -> Any: ...

    def warning(self, event: str, **fields: Any) -> Any: ...


def log_transitions(logger: logging.Logger | logging.LoggerAdapter[Any] | FieldLogger) -> Callable[[], None]:
    """Log one line for each change of state of each breaker, a warning when a circuit opens.

    The fields are ``breaker``, ``from_state``, ``to_state``, ``reason``, ``key`` where there is one, ``last_error`` (``name`` and
    ``message``) where failures opened the circuit and, where a policy governs,
    ``policy`` and ``generation``: as ``extra`` of the standard library's loggers, as keyword arguments of any other. Returns a
    function that ends it.
    """

    def log(breaker: GovernedBreaker, event: TransitionEvent) -> None:
        fields: dict[str, Any] = {
            "breaker": breaker.name,
            "from_state": event.from_state,
            "to_state": event.to_state,
            "reason": printable(event.reason),
        }
        if event.key is not None:
            fields["key"] = printable(event.key)
        if event.last_error is not None:
            fields["last_error"] = {name: printable(text) for name, text in asdict(event.last_error).items()}
        policy = breaker.policy
        if policy is not None:
            fields.update(policy=printable(policy.name), generation=policy.generation)
        message = f'breaker "{breaker.name}" went from {event.from_state} to {event.to_state}: {fields["reason"]}'
        is_opening = event.to_state == "open"
        if isinstance(logger, logging.Logger | logging.LoggerAdapter):
            logger.log(logging.WARNING if is_opening else logging.INFO, "%s", message, extra=fields)
        else:
            (logger.warning if is_opening else logger.info)(message, **fields)

    return registry().on_transition(log)


def warn_into(logger: logging.Logger | FieldLogger) -> Callable[[str], None]:
    """Take the warnings of the link: ``start(warn=warn_into(logger))``."""
    if isinstance(logger, logging.Logger):
        standard = logger
        return lambda message: standard.warning("%s", message)
    other = logger
    return lambda message: other.warning(message, component="fuseboard")
