"""What a schema cannot say of requests."""

from urllib.parse import urlencode

import schemathesis

# The server takes 16 KiB of address and headers; the rest is for the headers that every request has.
LONGEST = 12_000


@schemathesis.hook
def filter_query(context, query):
    """A pattern cannot say that the keys of a list differ."""
    labels = (query or {}).get("labels")
    if not isinstance(labels, str):
        return True
    keys = [pair.split("=")[0].strip() for pair in labels.split(",") if pair.strip() != ""]
    return len(keys) == len(set(keys))


@schemathesis.hook
def map_body(context, body):
    """Reports of an agent that has a stream are the ones that are taken."""
    if isinstance(body, dict) and isinstance(body.get("boot"), str) and len(body["boot"]) == 32:
        body = {**body, "boot": "a" * 32}
    return body


@schemathesis.hook
def filter_case(context, case):
    """An answer of 431 may be lost, as the connection is reset while the client still sends."""
    query = urlencode(case.query or {}, doseq=True, errors="replace")
    headers = sum(len(str(name)) + len(str(value)) for name, value in (case.headers or {}).items())
    return len(case.formatted_path) + len(query) + headers <= LONGEST
