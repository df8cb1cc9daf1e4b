"""The Retry-After header (RFC 9110, section 10.2.3)."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Mapping
from email.utils import parsedate

_DATE = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*, [\w :-]{10,40} GMT", re.ASCII)
"""A date as HTTP writes it, so that nothing else is taken for one."""
_SECONDS = re.compile(r"[0-9]{1,9}")


def retry_after_ms(outcome: object, wall_now: Callable[[], float]) -> float:
    """How long an answer asks its caller to stay away, in milliseconds.

    Looks at the ``headers`` of an error, of its ``response``, or of a result: seconds or a date. 0 when nothing is asked, what
    is asked cannot be read, or the date has passed. ``wall_now`` reads the wall clock, milliseconds since 1970; it is called
    only when there is a date.
    """
    if outcome is None or isinstance(outcome, str | bytes | int | float):
        return 0
    try:
        value = _header(getattr(outcome, "headers", None))
        if value is None:
            value = _header(_response_headers(getattr(outcome, "response", None)))
        if value is None:
            return 0
        text = (value.decode("latin-1") if isinstance(value, bytes) else str(value)).strip()
        if _SECONDS.fullmatch(text):
            return int(text) * 1_000
        if _DATE.fullmatch(text) is None:
            return 0
        date = parsedate(text)
        return 0 if date is None else max(0, calendar.timegm(date) * 1_000 - wall_now())
    except Exception:
        return 0


def _response_headers(response: object) -> object:
    if isinstance(response, Mapping):  # botocore
        return response.get("ResponseMetadata", {}).get("HTTPHeaders")
    return getattr(response, "headers", None)


def _header(headers: object) -> object:
    get = getattr(headers, "get", None)
    if not callable(get):
        return None
    value = get("retry-after")
    return get("Retry-After") if value is None else value
