"""Classifying what a call returned or raised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from .outcomes.last_error import MAX_MESSAGE, MAX_NAME, Described
from .outcomes.outcome_facts import causes, codes_of, error_status, may_carry, members, names_of, result_status

Outcome = Literal["success", "failure", "ignored"]
"""How a call ended, as far as its breaker is concerned."""


@dataclass(frozen=True)
class CallOutcome:
    """What a call raised or returned."""

    result: object = None
    error: BaseException | None = None
    """``None``: the call returned."""


Classify = Callable[[CallOutcome], Outcome | None]
"""Classifies a call; ``None`` leaves it to the policy."""


@dataclass(frozen=True)
class OutcomeMatch:
    """One side of ``classify``: what an outcome is compared with."""

    names: frozenset[str]
    codes: frozenset[str]
    status_classes: frozenset[int]
    """n: every status of n00 to n99 matches."""
    statuses: frozenset[int]

    def has_status(self, status: int) -> bool:
        return status // 100 in self.status_classes or status in self.statuses

    def has_error(self, error: BaseException) -> bool:
        """Whether a code or name of the exception, or of one that it came from, is listed."""
        if not self.codes and not self.names:
            return False
        for each in causes(error):
            if self.codes and not self.codes.isdisjoint(codes_of(each)):
                return True
            if self.names and not self.names.isdisjoint(names_of(each)):
                return True
        return False


@dataclass(frozen=True, slots=True)
class Classification:
    """The ``classify`` of a policy."""

    failure: OutcomeMatch
    ignore: OutcomeMatch
    """Wins over ``failure``."""
    fails_all: bool = field(init=False, repr=False, compare=False)
    """Whether every exception without a status is a failure, whatever its name or code."""

    def __post_init__(self) -> None:
        listed = (self.failure.names, self.failure.codes, self.ignore.names, self.ignore.codes)
        object.__setattr__(self, "fails_all", not any(listed))


def classify_result(classification: Classification, result: object) -> Outcome:
    """Classify a call that returned.

    A result with an HTTP status is classified by it, anything else is a success; so is a result that raises when looked at.
    """
    status = result_status(result)
    if status is None:
        return "success"
    if classification.ignore.has_status(status):
        return "ignored"
    return "failure" if classification.failure.has_status(status) else "success"


def _is_plain(kind: type[BaseException]) -> bool:
    return issubclass(kind, Exception) and not may_carry(kind)


is_plain: Callable[[Any], bool] = lru_cache(maxsize=256)(_is_plain)
"""Whether exceptions of a class, where they have no attributes and no cause, are failures unless names or codes are listed."""

_MAX_KINDS = 256
_plain_names: dict[type[BaseException], str | None] = {}
"""The names of classes that are plain, where they are short; ``None`` for any other class."""


def plain_failure(error: BaseException) -> Described | None:
    """What an exception was that is a failure unless names or codes are listed, where few steps tell that; else ``None``."""
    kind = type(error)
    try:
        name = _plain_names[kind]
    except KeyError:
        name = _learn_kind(kind)
    if name is None or error.__cause__ is not None or error.__context__ is not None or error.__dict__:
        return None
    try:
        message = str(error)
    except Exception:
        return None
    return (name, message) if 2 * len(message) <= MAX_MESSAGE else None


def _learn_kind(kind: type[BaseException]) -> str | None:
    name = kind.__name__ if is_plain(kind) and 2 * len(kind.__name__) <= MAX_NAME else None
    if len(_plain_names) >= _MAX_KINDS:
        _plain_names.clear()
    _plain_names[kind] = name
    return name


def classify_error(classification: Classification, error: BaseException) -> Outcome:
    """Classify a call that raised.

    What is no ``Exception`` (a cancellation, an interrupt, the end of a generator) is ignored. Where the exception, or what it was raised from, has an HTTP
    status, the status alone decides, so that a raised 404 and a returned one are the same. Without one, every exception is a
    failure, or, where names or codes are listed, what matches them. A group fails when one of its exceptions does. An
    exception that raises when looked at is a failure.
    """
    if not isinstance(error, Exception):
        return "ignored"
    if classification.fails_all and error.__cause__ is None and not error.__dict__ and is_plain(type(error)):
        return "failure"
    try:
        parts = members(error)
        if parts is None or classification.ignore.has_error(error):
            return _classify(classification, error)
        outcomes = {_classify(classification, part) for part in parts if isinstance(part, Exception)}
        if "failure" in outcomes:
            return "failure"
        return "success" if "success" in outcomes else "ignored"
    except Exception:
        return "failure"


def _classify(classification: Classification, error: BaseException) -> Outcome:
    failure, ignore = classification.failure, classification.ignore
    status = error_status(error)
    if status is not None:
        if ignore.has_status(status):
            return "ignored"
        return "failure" if failure.has_status(status) else "success"
    if ignore.has_error(error):
        return "ignored"
    everything = not failure.names and not failure.codes
    return "failure" if everything or failure.has_error(error) else "success"
