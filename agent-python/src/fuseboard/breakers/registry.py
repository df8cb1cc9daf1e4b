"""All breakers of a process, and the policies that govern them."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterable, Iterator
from threading import RLock

from ..clock.stall_detector import stall_detector
from ..core.classify import CallOutcome, Classify, Outcome
from ..core.clock import Environment
from ..core.config.defaults import BREAKER_NAME_PATTERN
from ..core.config.guard import NO_LIMITS, GuardField, Limits
from ..core.config.known_fields import refuse_unknown_fields
from ..core.exclusive import locked
from ..core.state import TransitionEvent
from ..core.text import cut
from ..errors import ConfigError
from ..warning import warn
from .governed_breaker import GovernedBreaker
from .governor import UNGOVERNED, Governor, governed_by, governor_of
from .listeners import Listeners
from .overrides import Overrides, index_of
from .policy_set import Guarded, Override, PolicySet, Spec, overrides_under, policies_under
from .routes import RouteIndex

_NAME = re.compile(BREAKER_NAME_PATTERN)
_OUTCOMES = ("success", "failure", "ignored")


def wall_now() -> float:
    """Milliseconds since 1970."""
    return time.time() * 1_000


class Registry:
    """All breakers of a process, those that exist and those to come, and what governs them.

    The link gives it policies (``apply``, ``apply_overrides``) and reads what is to be reported (``breakers``). All
    methods may be called from any thread.
    """

    def __init__(self, environment: Environment | None = None) -> None:
        self.environment = environment or Environment(time.monotonic, 1_000.0, random.random, wall_now, stall_detector)
        self._lock = RLock()
        self._breakers: dict[str, GovernedBreaker] = {}
        self._classifies: dict[str, Classify] = {}
        """The classifiers that code gave."""
        self._defaults: dict[str, Governor] = {}
        """The different defaults that code gave, by their text."""
        self._warned: set[tuple[str, str]] = set()
        self._transitions: Listeners[[GovernedBreaker, TransitionEvent]] = Listeners()
        self._creations: Listeners[[GovernedBreaker]] = Listeners()
        self._applications: Listeners[[PolicySet | None]] = Listeners()
        self._first_calls: list[Callable[[], None]] = []
        self._was_called = False
        self._set: PolicySet | None = None
        self._routes = RouteIndex(())
        self._overrides = Overrides()
        self._limits = NO_LIMITS
        self._given_set: PolicySet | None = None
        """The set as it came, without the limits of the guard."""
        self._given_overrides: list[Override] = []
        self._held_overrides: list[Override] = []
        self._began: dict[str, float] = {}
        """Since when each override has been known."""
        self._guarded_policies: list[Guarded] = []
        self._guarded_overrides: list[Guarded] = []

    # For the link

    @property
    def policy_set(self) -> PolicySet | None:
        """The set that governs now; ``None`` before the first one."""
        return self._set

    def now(self) -> float:
        """Milliseconds of the monotonic clock that ``Override.ends_at`` and ``TransitionEvent.at`` are on."""
        return self.environment.now()

    def apply(self, policy_set: PolicySet | None, overrides: Iterable[Override] | None = None) -> None:
        """Put all breakers under a set of policies; ``None``: under none.

        ``overrides`` replace those that there were, in the same step; ``None`` leaves them as they are.
        """
        self._apply(policy_set, overrides)
        self._applications.notify("the registry", policy_set)

    @locked
    def apply_overrides(self, overrides: Iterable[Override]) -> None:
        """Replace the overrides by these. A Reset acts once in a process."""
        self._apply_overrides(self._take(overrides))

    @locked
    def use_guard(self, limits: Limits) -> None:
        """Let no policy and no override pass these limits, those in force neither."""
        self._limits = limits
        self._apply(self._given_set, self._given_overrides)

    @property
    def overrides(self) -> list[Override]:
        """The overrides of this process within the limits of its guard; some may be over."""
        return self._held_overrides

    @property
    def guarded(self) -> list[Guarded]:
        """What the guard changes in the policies and overrides that there are now."""
        return [*self._guarded_policies, *self._guarded_overrides]

    def guarded_by(self, name: str, policy_uid: str | None) -> tuple[GuardField, ...]:
        """The fields of the guard that change what governs the breaker of this name."""
        if not self.guarded:
            return ()
        found: list[GuardField] = [
            each.by
            for each in self.guarded
            if each.uid == policy_uid
            or (each.breakers is not None and RouteIndex((route, "") for route in each.breakers).uid_for(name) == "")
        ]
        return tuple(dict.fromkeys(found))

    def breakers(
        self, wanted: Callable[[str, str], bool] = lambda name, key: False
    ) -> Iterator[tuple[str, str | None, GovernedBreaker]]:
        """What a report contains, each as ``(name, key, breaker)``: every breaker, and those of keys worth an entry.

        Those are the keys that are not closed, those that ``wanted(name, key)`` names, and the 20 busiest of the others. The
        counts of all keys are in those of their breaker.
        """
        for name, breaker in list(self._breakers.items()):
            yield name, None, breaker
            for of_key in breaker.listed_keys(lambda key, name=name: wanted(name, key)):  # type: ignore[misc]
                yield name, of_key.key, of_key

    def on_transition(self, listener: Callable[[GovernedBreaker, TransitionEvent], None]) -> Callable[[], None]:
        """Call a listener with every transition of every breaker and key; return a function that ends the subscription."""
        return self._transitions.add(listener)

    def on_create(self, listener: Callable[[GovernedBreaker], None]) -> Callable[[], None]:
        """Call a listener with every breaker that is made from now on; return a function that ends the subscription."""
        return self._creations.add(listener)

    def on_apply(self, listener: Callable[[PolicySet | None], None]) -> Callable[[], None]:
        """Call a listener with every set of policies once it is in force; return a function that ends the subscription."""
        return self._applications.add(listener)

    def on_first_call(self, callback: Callable[[], None]) -> None:
        """Call back once at the first call of this process, in its thread and before it is made; at once when there was one.

        After a fork, the first call of the child calls back again.
        """
        with self._lock:
            self._first_calls.append(callback)
            if not self._was_called:
                return
        self._tell_first_call(callback)

    def after_fork(self) -> None:
        """Start counting for a child process: totals of zero, nothing under way, fresh locks; states and policies stay."""
        self._lock = RLock()
        self._was_called = False
        for breaker in self._breakers.values():
            breaker.after_fork()

    # For breakers

    def get_breaker(self, name: str, defaults: Spec | None = None, classify: Classify | None = None) -> GovernedBreaker:
        """The breaker of this name, made when first asked for.

        All who ask for a name share one, and the first defaults that somebody gives for it stay; other ones later are reported
        as a warning and not used. Raises ``TypeError`` for a field of the defaults that does not exist, and ``ConfigError`` when
        the name or the defaults cannot be used otherwise.
        """
        if classify is not None and not callable(classify):
            raise ConfigError(str(name), 0, f'breaker "{name}" was given a classify that is no function')
        if defaults is None and classify is None and isinstance(name, str):
            known = self._breakers.get(name)
            if known is not None:
                return known
        if defaults is not None:
            refuse_unknown_fields(str(name), defaults, "defaults")
        breaker, is_new, conflicts = self._find_or_create(name, defaults, classify)
        for what in conflicts:
            warn(f'breaker "{name}" was given other {what} before; those stay. Give the same {what} everywhere.')
        if is_new:
            self._creations.notify(f'breaker "{name}"', breaker)
        return breaker

    def transitioned(self, breaker: GovernedBreaker, event: TransitionEvent) -> None:
        self._transitions.notify(f'breaker "{breaker.name}"', breaker, event)

    def first_call_listener(self) -> Callable[[], None] | None:
        return None if self._was_called else self._called

    def clear(self) -> None:
        """Forget every breaker, policy and override, for tests. Handles of before continue, ungoverned."""
        with self._lock:
            self._breakers.clear()
            self._classifies.clear()
            self._defaults.clear()
            self._warned.clear()
            self._set = None
            self._routes = RouteIndex(())
            self._overrides = Overrides()
            self._limits = NO_LIMITS
            self._given_set = None
            self._given_overrides, self._held_overrides = [], []
            self._began = {}
            self._guarded_policies, self._guarded_overrides = [], []

    @locked
    def _apply(self, policy_set: PolicySet | None, overrides: Iterable[Override] | None) -> None:
        self._given_set = policy_set
        self._guarded_policies = []
        if policy_set is not None:
            policy_set, self._guarded_policies = policies_under(policy_set, self._limits)
        self._set = policy_set
        self._routes = RouteIndex(() if policy_set is None else policy_set.routes)
        resets = [] if overrides is None else self._take(overrides)
        for breaker in list(self._breakers.values()):
            breaker.govern(self._governor_of(breaker.name, breaker.defaults))
        self._apply_overrides(resets)

    @locked
    def _find_or_create(
        self, name: str, defaults: Spec | None, classify: Classify | None
    ) -> tuple[GovernedBreaker, bool, list[str]]:
        """The breaker of a name, whether it is new, and what was given that differs from what was given before."""
        breaker = self._breakers.get(name) if isinstance(name, str) else None
        is_new = breaker is None
        differs = []
        if breaker is None:
            breaker = self._create(name, defaults)
        elif defaults is not None and not self._offer_defaults(breaker, defaults):
            differs.append("defaults")
        if classify is not None and not self._offer_classify(breaker, classify):
            differs.append("classify")
        if is_new:
            self._breakers[name] = breaker
        conflicts = [what for what in differs if (name, what) not in self._warned]
        self._warned.update((name, what) for what in conflicts)
        return breaker, is_new, conflicts

    def _called(self) -> None:
        with self._lock:
            if self._was_called:
                return
            self._was_called = True
            callbacks = list(self._first_calls)
        for callback in callbacks:
            self._tell_first_call(callback)

    def _tell_first_call(self, callback: Callable[[], None]) -> None:
        try:
            callback()
        except Exception as error:
            warn(f"what starts with the first call raised {type(error).__name__}: {error}")

    def _take(self, overrides: Iterable[Override]) -> list[Override]:
        """Take all overrides that there are now; return the resets that are still to be done."""
        now = self.now()
        self._given_overrides = list(overrides)
        self._held_overrides, self._guarded_overrides, self._began = overrides_under(
            self._given_overrides, self._limits, self._began, now
        )
        return self._overrides.take(self._held_overrides, now)

    def _apply_overrides(self, resets: list[Override]) -> None:
        reset = index_of(resets)
        for breaker in list(self._breakers.values()):
            breaker.apply_override(self._overrides.holding(breaker.name))
            uid = reset.uid_for(breaker.name) if resets else None
            if uid is not None:
                breaker.reset_from_override(next(each for each in resets if each.uid == uid))

    def _create(self, name: str, defaults: Spec | None) -> GovernedBreaker:
        if not isinstance(name, str) or _NAME.fullmatch(name) is None:
            shown = f'"{cut(name, 160)}"' if isinstance(name, str) else f"a value of type {type(name).__name__}"
            message = (
                f"{shown} cannot name a breaker; use 1 to 128 letters, digits and . _ : / - that begin with a letter "
                "or digit"
            )
            raise ConfigError(str(name), 0, message)
        own = UNGOVERNED if defaults is None else self._shared(governor_of(name, defaults))
        breaker = GovernedBreaker(name, self._governor_of(name, own), self)
        breaker.apply_override(self._overrides.holding(name))
        return breaker

    def _offer_defaults(self, breaker: GovernedBreaker, defaults: Spec) -> bool:
        """Whether these are the defaults of the breaker now."""
        offered = self._shared(governor_of(breaker.name, defaults))
        if breaker.defaults is UNGOVERNED:
            breaker.govern(self._governor_of(breaker.name, offered))
        return offered is breaker.defaults

    def _offer_classify(self, breaker: GovernedBreaker, classify: Classify) -> bool:
        """Whether this classifies the outcomes of the breaker now."""
        known = self._classifies.get(breaker.name)
        if known is None:
            self._classifies[breaker.name] = classify
            breaker.use_classifier(never_raising(breaker.name, classify))
        return known is None or known is classify

    def _shared(self, governor: Governor) -> Governor:
        """Breakers with the same defaults keep them once."""
        return self._defaults.setdefault(governor.text, governor)

    def _governor_of(self, name: str, defaults: Governor) -> Governor:
        uid = self._routes.uid_for(name)
        policy = None if uid is None or self._set is None else self._set.policies.get(uid)
        return defaults if policy is None else governed_by(policy, defaults)


def never_raising(name: str, classify: Classify) -> Classify:
    """A classifier that cannot break a call: where the one in code raises or answers anything else, the policy classifies."""
    warned = False

    def safe(outcome: CallOutcome) -> Outcome | None:
        nonlocal warned
        try:
            classified = classify(outcome)
            return classified if classified in _OUTCOMES else None
        except Exception as error:
            if not warned:
                warned = True
                warn(f'classify of breaker "{name}" raised {type(error).__name__}: {error}')
            return None

    return safe
