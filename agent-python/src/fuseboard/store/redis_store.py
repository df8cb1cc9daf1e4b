"""A store in Redis."""

from __future__ import annotations

from typing import Any, Protocol

MAX_MEMBERS = 10_000
"""More members than this are not read; what they say is not counted."""


class RedisClient(Protocol):
    """What is needed of a client: ``redis.Redis`` of redis-py, or one for a cluster or a sentinel."""

    def execute_command(self, *args: Any) -> Any:
        """Send a command and return its answer."""
        ...


class RedisStore:
    """A store in Redis 6 and later: a key with a time to live for each member, and a set of the members.

    It takes the client as it is: connecting, time limits and errors of the connection are the client's and yours; give it a
    ``socket_timeout``. Services that share nothing take different prefixes; the usual one is one slot of a cluster. Entries are
    those of the Node agent, so that processes in both languages share one store.
    """

    def __init__(self, client: RedisClient, prefix: str = "{fuseboard}:") -> None:
        self._client = client
        self._prefix = prefix
        self._members = f"{prefix}members"

    def put(self, member: str, entry: str, ttl: float) -> None:
        self._client.execute_command("SET", self._key(member), entry, "PX", max(1, round(ttl * 1_000)))
        self._client.execute_command("SADD", self._members, member)

    def all(self) -> list[str]:
        answer = self._client.execute_command("SMEMBERS", self._members)
        known = [_text(each) for each in list(answer)[:MAX_MEMBERS]]
        if not known:
            return []
        entries = [_text(each) for each in self._client.execute_command("MGET", *map(self._key, known))]
        lapsed = [member for member, entry in zip(known, entries, strict=True) if entry == ""]
        if lapsed:
            # A member that comes back in this moment is missing until it says something again, which is soon.
            self._client.execute_command("SREM", self._members, *lapsed)
        return [entry for entry in entries if entry != ""]

    def remove(self, member: str) -> None:
        self._client.execute_command("DEL", self._key(member))
        self._client.execute_command("SREM", self._members, member)

    def _key(self, member: str) -> str:
        return f"{self._prefix}member:{member}"


def _text(answer: object) -> str:
    """What is not a text, such as a key that lapsed, is an empty one."""
    if isinstance(answer, bytes):
        return answer.decode("utf-8", "replace")
    return answer if isinstance(answer, str) else ""
