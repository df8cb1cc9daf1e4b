"""Arguments that cannot be meant, refused before a call begins: later they would count as a failure of the dependency."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from .fallback import Fallback, PolicyFallback


def refuse_wrong_call(
    method: str,
    name: str,
    fn: Callable[..., Any],
    fallback: Fallback | None,
    policy_fallback: PolicyFallback | None,
    retry: bool,
) -> None:
    """Raise ``TypeError`` when a call of the method cannot be made as asked; ``name`` is that of the breaker."""
    if not callable(fn):
        close = getattr(fn, "close", None) if inspect.isawaitable(fn) else None
        if close is not None:
            # Python would warn of a coroutine that nobody awaited, beside the error.
            close()
        what = "something to await" if inspect.isawaitable(fn) else _shown(fn)
        raise TypeError(f'{method} of breaker "{name}" was given {what}; give a function, and its arguments after it')
    if fallback is not None:
        if not callable(fallback):
            answer = f"{_shown(fallback)}; write fallback=lambda error: …"
            raise TypeError(f'fallback of a call through breaker "{name}" must be a function, got {answer}')
        if method == "call" and inspect.iscoroutinefunction(fallback):
            raise async_fallback(name)
    if policy_fallback is not None and not isinstance(policy_fallback, PolicyFallback):
        message = f'policy_fallback of a call through breaker "{name}" must be a PolicyFallback, got {_shown(policy_fallback)}'
        raise TypeError(message)
    if not isinstance(retry, bool):
        raise TypeError(f'retry of a call through breaker "{name}" must be a bool, got {_shown(retry)}')


def async_fallback(name: str) -> TypeError:
    """The error of a synchronous call whose fallback has to be awaited."""
    return TypeError(f'fallback of a call through breaker "{name}" is async; use call_async, or a synchronous fallback')


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 64 else f"{text[:64]}…"
