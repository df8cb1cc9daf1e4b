"""What a schema cannot say of requests."""

import schemathesis


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
