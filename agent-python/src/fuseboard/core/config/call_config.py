"""What happens around a call, besides the breaker and a fixed time limit. Durations are milliseconds."""

from __future__ import annotations

from dataclasses import dataclass, field

from . import defaults
from .spec_reader import Section


@dataclass(frozen=True)
class AdaptiveConfig:
    """A time limit that follows how long calls take: percentile x (1 + headroom), within bounds."""

    percentile: int
    headroom_percent: int
    minimum_samples: int
    min_ms: int
    max_ms: int


@dataclass(frozen=True)
class RetryConfig:
    max_attempts: int
    """The first one counts."""
    initial_ms: int
    factor: int
    max_ms: int
    jitter_percent: int
    budget_percent: int
    """Retries as a share of calls."""
    min_per_second: int
    """Retries in a second that need no budget."""
    inside_breaker: bool
    """All attempts are one call of the breaker, which sees how the last one ended."""


@dataclass(frozen=True)
class AdaptiveLimitConfig:
    """Bounds of a limit of concurrent calls that follows how long calls take."""

    min_concurrent: int
    initial: int
    max_concurrent: int


@dataclass(frozen=True)
class ConcurrencyConfig:
    max_concurrent: int
    max_queue: int
    queue_timeout_ms: int
    adaptive: AdaptiveLimitConfig | None = None
    """``None``: the limit is fixed."""


@dataclass(frozen=True)
class StaticFallback:
    json: str


@dataclass(frozen=True)
class LastSuccessFallback:
    max_age_ms: int
    """0: any age."""


FallbackConfig = StaticFallback | LastSuccessFallback


@dataclass(frozen=True)
class PerKeyConfig:
    max_keys: int = defaults.MAX_KEYS
    idle_ms: int = defaults.KEY_IDLE_MS


@dataclass(frozen=True)
class CallConfig:
    """Parts that are ``None`` do not apply."""

    adaptive: AdaptiveConfig | None = None
    retry: RetryConfig | None = None
    concurrency: ConcurrencyConfig | None = None
    fallback: FallbackConfig | None = None
    per_key: PerKeyConfig = field(default_factory=PerKeyConfig)

    @property
    def is_plain(self) -> bool:
        """Whether nothing applies around a call."""
        return self.adaptive is None and self.retry is None and self.concurrency is None and self.fallback is None


def read_call_config(root: Section) -> CallConfig:
    timeout = root.section("timeout")
    per_key = root.section("perKey")
    return CallConfig(
        adaptive=_read_adaptive(timeout.section("adaptive")) if timeout.has("adaptive") else None,
        retry=_read_retry(root.section("retry")) if root.has("retry") else None,
        concurrency=_read_concurrency(root.section("concurrency")) if root.has("concurrency") else None,
        fallback=_read_fallback(root.section("fallback")) if root.has("fallback") else None,
        per_key=PerKeyConfig(
            max_keys=per_key.whole("maxKeys", 10_000, defaults.MAX_KEYS),
            idle_ms=per_key.duration("idleTimeout", defaults.KEY_IDLE_MS),
        ),
    )


def _read_adaptive(section: Section) -> AdaptiveConfig:
    section.require("max")
    max_ms = section.duration("max", 1)
    return AdaptiveConfig(
        percentile=section.whole("percentile", 99, defaults.ADAPTIVE_PERCENTILE),
        headroom_percent=section.whole("headroomPercent", 1_000, defaults.ADAPTIVE_HEADROOM_PERCENT, 0),
        minimum_samples=section.whole("minimumSamples", 1_000, defaults.ADAPTIVE_MINIMUM_SAMPLES),
        min_ms=min(section.duration("min", defaults.ADAPTIVE_MIN_MS), max_ms),
        max_ms=max_ms,
    )


def _read_retry(section: Section) -> RetryConfig:
    section.require("maxAttempts")
    backoff = section.section("backoff")
    max_ms = backoff.duration("max", max(defaults.RETRY_MAX_MS, backoff.duration("initial", 0)))
    return RetryConfig(
        max_attempts=section.whole("maxAttempts", 10, 1),
        initial_ms=backoff.duration("initial", min(defaults.RETRY_INITIAL_MS, max_ms)),
        factor=backoff.whole("factor", 10, defaults.RETRY_FACTOR),
        max_ms=max_ms,
        jitter_percent=backoff.whole("jitterPercent", 100, defaults.RETRY_JITTER_PERCENT, 0),
        budget_percent=section.whole("budgetPercent", 100, defaults.RETRY_BUDGET_PERCENT),
        min_per_second=section.whole("minPerSecond", 1_000, defaults.RETRY_MIN_PER_SECOND, 0),
        inside_breaker=section.choice("placement", ("OutsideBreaker", "InsideBreaker"), "OutsideBreaker")
        == "InsideBreaker",
    )


def _read_concurrency(section: Section) -> ConcurrencyConfig:
    section.require("maxConcurrent")
    max_concurrent = section.whole("maxConcurrent", 100_000, 1)
    adaptive = None
    if section.has("adaptive"):
        bounds = section.section("adaptive")
        least = bounds.whole("minConcurrent", 100_000, defaults.MIN_CONCURRENT)
        initial = min(max(defaults.INITIAL_CONCURRENT, least), max_concurrent)
        adaptive = AdaptiveLimitConfig(least, bounds.whole("initial", 100_000, initial), max_concurrent)
    return ConcurrencyConfig(
        max_concurrent=max_concurrent,
        adaptive=adaptive,
        max_queue=section.whole("maxQueue", 100_000, defaults.MAX_QUEUE, 0),
        queue_timeout_ms=section.duration("queueTimeout", defaults.QUEUE_TIMEOUT_MS),
    )


def _read_fallback(section: Section) -> FallbackConfig | None:
    section.require("type")
    kind = section.choice("type", ("None", "Static", "LastSuccess"), "None")
    static = section.section("static")
    if section.has("static"):
        static.require("value")
    text = static.json("value")
    max_age_ms = section.duration("maxAge", 0)
    if kind == "Static":
        return StaticFallback(text)
    return LastSuccessFallback(max_age_ms) if kind == "LastSuccess" else None
