"""Bounds of the protocol, the same in every agent."""

from __future__ import annotations

PROTOCOL = 1
MAX_POLICIES = 2_000
"""More policies for one process are refused whole."""
MAX_POLICY_BYTES = 4 * 1024 * 1024
"""More bytes of specs as JSON for one process are refused whole."""
MAX_OVERRIDES = 100
"""More overrides for one process are refused whole."""
MAX_OVERRIDE_BREAKERS = 64
"""An override names at most this many breakers, as its resource does; each becomes a route."""
MAX_BOOTSTRAP_BYTES = 8 * 1024 * 1024
"""A larger bootstrap file is not read."""
MAX_TOKEN_BYTES = 64 * 1024
"""A larger token is not read."""
MAX_AUTHORITIES_BYTES = 4 * 1024 * 1024
"""A larger file of certificate authorities is not read."""
MAX_SETTING_BYTES = 1024 * 1024
"""A larger file with one setting, such as the address of the operator, is not read."""
MAX_ROUTES = 20_000
"""More routes for one process are refused whole."""
MAX_HEAD_BYTES = 64 * 1024
"""Bytes of an answer before its content, with all informational answers."""
MAX_ANSWER_BYTES = 64 * 1024
"""The rest of a longer answer to a report is not read."""
MAX_GUARDED = 100
"""A report lists at most this many entries of ``guarded``."""
MAX_TRANSITIONS = 20
"""A report lists at most this many transitions of a breaker."""
MAX_DURATION_MS = 24 * 3_600_000
"""No override lasts longer."""
