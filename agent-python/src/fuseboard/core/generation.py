"""What calls of one generation share."""

from __future__ import annotations

import math

NEVER = -math.inf


class Generation:
    """A generation of a circuit: a call keeps the one that it began in, and an outcome of an earlier one moves nothing.

    While the circuit is closed and there is nothing but successes to judge, a success is counted here without a lock: whoever
    holds the lock sets ``fast_path_until`` to ``NEVER`` before it reads ``calls``. In the same way a call of an open circuit is
    rejected without a lock until ``rejects_until``.
    """

    __slots__ = ("admits", "calls", "fast_path_until", "is_plain", "rejects_until")

    def __init__(self, admits: bool = False, is_plain: bool = False) -> None:
        self.is_plain = is_plain
        """Whether a call may begin without asking anything else, and nothing is around it but the circuit."""
        self.admits = admits
        """Whether a call may begin without asking anything else."""
        self.fast_path_until = NEVER
        """Until then a success has only to be counted."""
        self.calls: float = 0
        """The calls of the window, while quiet."""
        self.rejects_until = NEVER
        """Until then a call is rejected and only counted."""


NO_GENERATION = Generation()
"""The generation of a permit whose outcome counts in the totals and decides nothing."""
