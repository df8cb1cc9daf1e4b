"""Opening and closing together, for processes that have no operator: over Redis, or a store of your own."""

from .redis_store import RedisStore
from .shared_state import SharedState, share_state
from .state_store import MemoryStore, StateStore

__all__ = ["MemoryStore", "RedisStore", "SharedState", "StateStore", "share_state"]
