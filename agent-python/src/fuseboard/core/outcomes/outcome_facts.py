"""What is read from a result or an exception to classify it: statuses, names and codes."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from ..text import number_text

MAX_CLASSES = 32
"""How far up a chain of classes names are compared."""
MAX_CAUSES = 16
"""How many exceptions of a chain of causes are looked at."""
MAX_MEMBERS = 64
"""How many exceptions of a group are classified."""

PLAIN_TYPES = frozenset(
    (type(None), bool, int, float, complex, str, bytes, bytearray, list, tuple, dict, set, frozenset)
)
_OWN_NAME_MEANS_OTHER = (AttributeError, NameError, ImportError)
_RESOLVER_CODES = {
    value: name for name, value in vars(socket).items() if name.startswith("EAI_") and isinstance(value, int)
}


def result_status(result: object) -> int | None:
    """The HTTP status of a response: an integer ``status_code`` or ``status`` beside ``headers`` with ``get``."""
    if type(result) in PLAIN_TYPES:
        return None
    try:
        status = _status(getattr(result, "status_code", None))
        if status is None:
            status = _status(getattr(result, "status", None))
        if status is None or not callable(getattr(getattr(result, "headers", None), "get", None)):
            return None
        return status
    except Exception:
        return None


def error_status(error: BaseException) -> int | None:
    """The HTTP status of an exception, else of the first that it was raised ``from`` that has one.

    What was only being handled meanwhile (``__context__``) has no say: it need not be about this call.
    """
    for each in explicit_causes(error):
        status = _status_of(each)
        if status is not None:
            return status
    return None


def _status_of(error: BaseException) -> int | None:
    """The HTTP status of one exception.

    Of its ``response`` (``status_code`` or ``status``; botocore's ``ResponseMetadata``), else its own ``status``,
    ``status_code`` or ``statusCode``; the ``code`` of ``urllib.error.HTTPError`` is a status too. Only 400 to 599 counts:
    a 200 whose body was cut off does not say that the call failed, and the exception does.
    """
    if not error.__dict__ and not may_carry(type(error)):
        return None
    response = getattr(error, "response", None)
    if isinstance(response, Mapping):
        metadata = response.get("ResponseMetadata")
        status = _failing_status(metadata.get("HTTPStatusCode")) if isinstance(metadata, Mapping) else None
    else:
        status = _failing_status(getattr(response, "status_code", None))
        if status is None:
            status = _failing_status(getattr(response, "status", None))
    for name in ("status", "status_code", "statusCode"):
        if status is None:
            status = _failing_status(getattr(error, name, None))
    if status is None and _is_urllib_error(error):
        status = _failing_status(getattr(error, "code", None))
    return status


def _failing_status(value: object) -> int | None:
    status = _status(value)
    return status if status is not None and status >= 400 else None


def _status(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool) and 100 <= value <= 599:
        return int(value)
    return None


def _is_urllib_error(error: BaseException) -> bool:
    return any(each.__module__ == "urllib.error" and each.__name__ == "HTTPError" for each in type(error).__mro__)


def _look_for_others(kind: Any) -> bool:
    if kind.__getattribute__ is not BaseException.__getattribute__ or hasattr(kind, "__getattr__"):
        return True
    names = ("response", "status", "status_code", "statusCode", "exceptions", "code")
    return any(hasattr(kind, name) for name in names)


may_carry: Callable[[Any], bool] = lru_cache(maxsize=256)(_look_for_others)
"""Whether exceptions of a class may have a status or others inside that are not in their own attributes."""


def members(error: BaseException) -> list[BaseException] | None:
    """The exceptions of a group, groups in it taken apart; ``None`` for one that is no group."""
    if not may_carry(type(error)) or not _is_group(error):
        return None
    found: list[BaseException] = []
    waiting: list[Any] = [error]
    looked_at = 0
    while waiting and looked_at < MAX_MEMBERS:
        looked_at += 1
        each = waiting.pop(0)
        if _is_group(each):
            waiting.extend(each.exceptions)
        else:
            found.append(each)
    return found


def _is_group(error: BaseException) -> bool:
    """``ExceptionGroup`` of Python 3.11, or its backport."""
    return isinstance(getattr(error, "exceptions", None), tuple) and any(
        each.__name__ == "BaseExceptionGroup" for each in type(error).__mro__
    )


def explicit_causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and what it was raised ``from``."""
    seen = 0
    each: BaseException | None = error
    while each is not None and seen < MAX_CAUSES:
        yield each
        each = each.__cause__
        seen += 1


def causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and what it came from: ``__cause__``, else ``__context__`` unless it is suppressed."""
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen and len(seen) < MAX_CAUSES:
        seen.add(id(each))
        yield each
        if each.__cause__ is not None:
            each = each.__cause__
        else:
            each = None if each.__suppress_context__ else each.__context__


def names_of(error: BaseException) -> Iterator[str]:
    """The names of an exception's classes, short and with their module, and its own ``name``."""
    if not isinstance(error, _OWN_NAME_MEANS_OTHER):
        own = getattr(error, "name", None)
        if isinstance(own, str):
            yield own
    for each in type(error).__mro__[:MAX_CLASSES]:
        if each is object:
            return
        yield each.__name__
        yield f"{each.__module__}.{each.__qualname__}"


def codes_of(error: BaseException) -> Iterator[str]:
    """The codes of an exception.

    Its ``code`` (text or number; gRPC's is a method), the names of its ``errno``, ``sqlstate`` and ``pgcode`` of database
    drivers, and botocore's ``Error.Code``.
    """
    code = getattr(error, "code", None)
    if callable(code) and not isinstance(code, type):
        code = getattr(code(), "name", None)
    if isinstance(code, str):
        yield code
    elif isinstance(code, int | float) and not isinstance(code, bool):
        yield number_text(code)
    number = getattr(error, "errno", None)
    if isinstance(number, int) and isinstance(error, OSError):
        table = _RESOLVER_CODES if isinstance(error, socket.gaierror) else errno.errorcode
        if number in table:
            yield table[number]
    for name in ("sqlstate", "pgcode"):
        state = getattr(error, name, None)
        if isinstance(state, str):
            yield state
    response = getattr(error, "response", None)
    if isinstance(response, Mapping) and isinstance(response.get("Error"), Mapping):
        aws = response["Error"].get("Code")
        if isinstance(aws, str):
            yield aws
