"""The generation of a circuit, which its calls share."""

from __future__ import annotations

import math

NEVER = -math.inf


class Generation:
    """A generation of a circuit. A call keeps the one that it began in; the outcome of an earlier one changes no state.

    While the circuit is closed and its window has only successes, a success is counted here without a lock: a thread that
    holds the lock sets ``fast_path_until`` to ``NEVER`` before it reads ``calls``. In the same way a call of an open circuit is
    rejected without a lock until ``rejects_until``.

    Each of these steps is written out wherever it is taken, because a function for it would cost a call as much as reading the
    clock, and because it must call nothing: the interpreter switches threads at calls only (Python 3.10: at jumps too).

    - admit (``is_plain``, or ``admits``): ``decorated._function`` and ``_coroutine``, ``timed_call.begin_timed``,
      ``Circuit.enter``, ``Breaker.enter`` and ``Breaker.__enter__``;
    - reject (``rejects_until``): ``decorated._function``, ``Circuit.enter`` and ``Breaker.enter``;
    - count a success (``fast_path_until``): ``decorated._function`` and ``_coroutine``, and ``Permit.succeed``.

    A failure is counted without a lock by ``Circuit.count_failure`` alone. ``tests/test_threads.py`` reads the bytecode
    of the steps that must call nothing.
    """

    __slots__ = ("admits", "calls", "fast_path_until", "is_plain", "rejects_until")

    def __init__(self, admits: bool = False, is_plain: bool = False) -> None:
        self.is_plain = is_plain
        """Whether a call is admitted without further checks, and has no timeout, retries, limiter or fallback."""
        self.admits = admits
        """Whether a call is admitted without further checks."""
        self.fast_path_until = NEVER
        """Until this time, a success is only counted."""
        self.calls: float = 0
        """The number of calls in the window, while ``fast_path_until`` is not ``NEVER``."""
        self.rejects_until = NEVER
        """Until this time, a call is rejected and only counted."""


NO_GENERATION = Generation()
"""The generation of a permit whose outcome counts in the totals and does not affect the state."""
