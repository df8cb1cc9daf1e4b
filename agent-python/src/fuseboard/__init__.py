"""Circuit breakers whose policies come from the cluster."""

from .breakers.breaker import Breaker, BreakerStats, ForcedState
from .breakers.listeners import FuseboardWarning
from .call.deadline import time_left
from .call.enter import AnyPermit as Permit
from .call.fallback import PolicyFallback
from .core.classify import CallOutcome, Classify, Outcome
from .core.state import Reason, State, TransitionEvent
from .errors import (
    CallTimeoutError,
    CircuitOpenError,
    ConfigError,
    FuseboardError,
    LimitedError,
    QueueTimeoutError,
)
from .process import get_breaker

__version__ = "0.1.0"

__all__ = [
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
    "LimitedError",
    "Outcome",
    "Permit",
    "PolicyFallback",
    "QueueTimeoutError",
    "Reason",
    "State",
    "TransitionEvent",
    "get_breaker",
    "time_left",
]
