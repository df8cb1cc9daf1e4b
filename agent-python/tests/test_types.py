"""What a type checker knows of the answers of calls; mypy reads this file, and running it makes the same calls."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from fuseboard import PolicyFallback
from fuseboard.testing import create_breaker

if TYPE_CHECKING:
    from typing_extensions import assert_type
else:

    def assert_type(value: Any, kind: Any) -> Any:
        return value


def charge(order: str) -> int:
    return len(order)


async def charge_later(order: str) -> int:
    return len(order)


async def queue_later(error: object) -> bytes:
    return b"queued"


def test_an_answer_is_that_of_the_function_or_of_the_fallback() -> None:
    breaker = create_breaker({})
    assert_type(breaker.call(charge, "o-1"), int)
    assert_type(breaker.call(charge, "o-1", fallback=lambda error: "queued"), int | str)
    assert_type(breaker.call(charge, "o-1", policy_fallback=PolicyFallback("EUR", parse=int)), int)
    assert_type(breaker(charge)("o-1"), int)


def test_so_is_one_that_is_awaited() -> None:
    breaker = create_breaker({})

    async def main() -> None:
        assert_type(await breaker.call_async(charge_later, "o-1"), int)
        assert_type(await breaker.call_async(charge_later, "o-1", fallback=lambda error: "queued"), int | str)
        assert_type(await breaker.call_async(charge_later, "o-1", fallback=queue_later), int | bytes)
        assert_type(await breaker(charge_later)("o-1"), int)

    asyncio.run(main())
