"""The Retry-After header (RFC 9110, section 10.2.3)."""

from __future__ import annotations

import calendar
import math
import re
from collections.abc import Callable, Mapping
from email.utils import parsedate

_DATE = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*, [\w :-]{10,40} GMT", re.ASCII)
"""A date as HTTP writes it today and as RFC 850 did, so that nothing else is taken for one."""
_ASCTIME = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ 0-9][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2} [0-9]{4}")
"""The form of asctime, which names no zone: it is GMT (RFC 9110, section 5.6.7)."""
_SECONDS = re.compile(r"[0-9]{1,9}")
_MILLISECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")


def retry_after_ms(outcome: object, wall_now: Callable[[], float]) -> float:
    """How long an answer asks its caller to stay away, in milliseconds.

    Looks at the ``headers`` of an error, of its ``response``, or of a result: seconds or a date. The header ``retry-after-ms``,
    which says it in milliseconds, wins. 0 when nothing is asked, what is asked cannot be read, or the date has passed.
    ``wall_now`` reads the wall clock, milliseconds since 1970; it is called only when there is a date.
    """
    if outcome is None or isinstance(outcome, str | bytes | int | float):
        return 0
    try:
        sources = (getattr(outcome, "headers", None), _response_headers(getattr(outcome, "response", None)))
        ms = _read(sources, "retry-after-ms")
        if _MILLISECONDS.fullmatch(ms) is not None:
            return math.ceil(float(ms))
        text = _read(sources, "retry-after")
        if _SECONDS.fullmatch(text) is not None:
            return int(text) * 1_000
        if _DATE.fullmatch(text) is None and _ASCTIME.fullmatch(text) is None:
            return 0
        date = parsedate(text)
        return 0 if date is None else max(0, calendar.timegm(date) * 1_000 - wall_now())
    except Exception:
        return 0


def _response_headers(response: object) -> object:
    if isinstance(response, Mapping):  # botocore
        return response.get("ResponseMetadata", {}).get("HTTPHeaders")
    return getattr(response, "headers", None)


def _read(sources: tuple[object, ...], name: str) -> str:
    """The header of the first that has it, however a plain mapping spells it."""
    for headers in sources:
        value = _header(headers, name)
        if value is not None:
            return (value.decode("latin-1") if isinstance(value, bytes) else str(value)).strip()
    return ""


def _header(headers: object, name: str) -> object:
    get = getattr(headers, "get", None)
    if not callable(get):
        return None
    value: object = get(name)
    if value is None and isinstance(headers, dict):
        spelt = next((field for field in headers if isinstance(field, str) and field.lower() == name), None)
        value = None if spelt is None else headers[spelt]
    return value
