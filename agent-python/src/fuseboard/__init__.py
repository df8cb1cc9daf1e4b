"""Circuit breakers whose policies come from the cluster."""

from .agent import Agent, AppliedEvent, get_breaker, link_state, start
from .breakers.breaker import Breaker, BreakerStats, ForcedState
from .call.deadline import time_left
from .call.enter import AnyPermit as Permit
from .call.fallback import PolicyFallback
from .core.classify import CallOutcome, Classify, Outcome
from .core.config.guard import Guard
from .core.outcomes.last_error import LastError
from .core.state import Reason, State, TransitionEvent
from .errors import (
    CallTimeoutError,
    CircuitOpenError,
    ConfigError,
    FuseboardError,
    LimitedError,
    QueueTimeoutError,
)
from .link.link import LinkState
from .version import VERSION
from .warning import FuseboardWarning

__version__ = VERSION

__all__ = [
    "Agent",
    "AppliedEvent",
    "Breaker",
    "BreakerStats",
    "CallOutcome",
    "CallTimeoutError",
    "CircuitOpenError",
    "Classify",
    "ConfigError",
    "ForcedState",
    "FuseboardError",
    "FuseboardWarning",
    "Guard",
    "LastError",
    "LimitedError",
    "LinkState",
    "Outcome",
    "Permit",
    "PolicyFallback",
    "QueueTimeoutError",
    "Reason",
    "State",
    "TransitionEvent",
    "get_breaker",
    "link_state",
    "start",
    "time_left",
]
