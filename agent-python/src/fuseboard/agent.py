"""The link of this process to the operator, as its owner sees it."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from . import process
from .breakers.breaker import Breaker
from .breakers.policy_set import Origin, PolicySet, Spec
from .core.classify import Classify
from .core.config.guard import Guard
from .errors import ConfigError
from .link import fork
from .link.guard_option import read_guard
from .link.ledger import Ledger
from .link.link import Link, LinkState
from .link.settings import StartOptions, read_settings
from .warning import WarningLog
from .warning import warn as warn_of

Warn = Callable[[str], None]


@dataclass(frozen=True)
class AppliedEvent:
    """Policies came into force."""

    revision: str
    """The operator's name for exactly this set of policies."""
    origin: Origin
    """Where the set came from."""


class _Slot:
    """What this process has of a link."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.pid = os.getpid()
        self.ledger = Ledger()
        self.link: Link | None = None
        self.ending: list[Link] = []
        """Links that are being stopped, which takes a while: a child that is forked meanwhile has them too."""
        self.is_armed = False
        self.is_started = False
        self.options: StartOptions | None = None
        """What ``start`` was called with."""
        self.warn = WarningLog(warn_of)


_slot: _Slot | None = None


def get_breaker(name: str, defaults: Spec | None = None, classify: Classify | None = None) -> Breaker:
    """The circuit breaker of this name; the same one for the same name in the whole process.

    ``name``: letters, digits and ``._:/-``, at most 128 characters. ``defaults``: the spec that holds while no policy governs the
    name, as a CircuitBreakerPolicy has it; absent: calls pass and are counted. ``classify`` classifies the result or error of a
    call before the policy does; ``None`` from it leaves that to the policy.

    Costs no I/O but, at its first use in a process, one read of the last-good and bootstrap files. The link to the operator
    starts with the first call that goes through any breaker, and only where an operator is configured (FUSEBOARD_URL, or what
    the chart mounts). Raises ``TypeError`` for a field of the defaults that does not exist, and ``ConfigError`` when the name or
    the defaults cannot be used otherwise.
    """
    slot = _own()
    if not slot.is_armed:
        _arm(slot, StartOptions(), warn_of)
    return process.get_breaker(name, defaults, classify)


class Agent:
    """The link of this process. There is one, so ``Agent()`` is what ``start`` returned, also where nobody called that."""

    @property
    def state(self) -> LinkState:
        """What the breakers run on right now: ``Live``, ``Stale``, ``LastGood`` or ``Defaults``."""
        link = _own().link
        return "Defaults" if link is None else link.state

    @property
    def revision(self) -> str | None:
        """The revision of the policies in force; ``None`` while there are none."""
        held = process.registry().policy_set
        return None if held is None else held.revision

    def on_applied(self, listener: Callable[[AppliedEvent], None]) -> Callable[[], None]:
        """Call a listener with policies that came into force; return a function that ends the subscription.

        The listener runs in the thread of the link. What it raises becomes a warning.
        """

        def tell(policy_set: PolicySet | None) -> None:
            if policy_set is not None:
                listener(AppliedEvent(policy_set.revision, policy_set.origin))

        return process.registry().on_apply(tell)

    def ready(self, timeout: float = 5.0) -> LinkState:
        """Wait for the policies of the operator, at most ``timeout`` seconds, and return the state.

        Returns at once where there is no operator. Never raises, so that a service starts without it. It blocks its thread; in a
        coroutine use ``await asyncio.to_thread(agent.ready)``.
        """
        slot = _own()
        _begin(slot)
        link = slot.link
        return "Defaults" if link is None else link.ready(timeout)

    def stop(self, flush: float = 0.5) -> None:
        """Report the last counts, say goodbye and hang up; the breakers continue with what they have.

        ``flush``: how many seconds the counts may take at most. The link may be started again.
        """
        slot = _own()
        with slot.lock:
            link = slot.link
            if link is not None:
                # Before it is taken away: there is no moment in which a fork finds it nowhere.
                slot.ending.append(link)
            slot.link = None
            slot.options = None
            slot.is_started = False
        if link is not None:
            try:
                link.stop(flush)
            finally:
                _forget(slot, link)


def start(
    *,
    url: str | None = None,
    service: str | None = None,
    labels: Mapping[str, str] | None = None,
    namespace: str | None = None,
    token_file: str | None = None,
    ca_file: str | None = None,
    cache_dir: str | None = None,
    policies: str | None = None,
    guard: Guard | None = None,
    warn: Warn | None = None,
) -> Agent:
    """Start the link now, with these options. Not needed where the environment says everything: the first call does it.

    ``url``: where the operator is, such as ``https://fuseboard.fuseboard-system:8443`` (absent: FUSEBOARD_URL, the mounted
    ``url``; without either there is no link). ``service``: the name of this service (FUSEBOARD_SERVICE, OTEL_SERVICE_NAME, the
    name in pyproject.toml). ``labels``: what selectors are matched with where the operator does not authenticate agents
    (FUSEBOARD_LABELS, ``k=v,k2=v2``). ``namespace``: believed only there (FUSEBOARD_NAMESPACE, that of the pod).
    ``token_file``, ``ca_file``: a bearer token and the authority of the operator, read again for each connection
    (FUSEBOARD_TOKEN_FILE, FUSEBOARD_CA_FILE, the mounted ones). ``cache_dir``: a folder for the last good policies
    (FUSEBOARD_CACHE_DIR, the mounted cache; without either nothing is kept). ``policies``: a file of policies for the time
    before the operator was ever reached, JSON as ``kubectl get cbp -o json`` prints (FUSEBOARD_POLICIES_FILE,
    FUSEBOARD_POLICIES). ``guard``: limits that no policy and no override passes in this process (absent: none); they stay
    after ``stop``, until the next start. ``warn`` takes warnings about the link (absent: ``FuseboardWarning``). A link that the
    first call began with the same settings stays connected.

    Raises ``ConfigError`` when the link was already started with other options (``stop`` it first) or the guard has a value
    that cannot be used, and ``TypeError`` when it has a field that does not exist or the labels are no texts.
    """
    if labels is not None and not _are_texts(labels):
        raise TypeError(f'labels must be a dict of strings, such as {{"team": "shop"}}, got {labels!r}')
    limits = read_guard(guard)
    own_guard = None if guard is None else dict(guard)
    options = StartOptions(url, service, labels, namespace, token_file, ca_file, cache_dir, policies, own_guard)
    slot = _own()
    with slot.lock:
        if slot.options is not None and (slot.options != options or slot.warn.write is not (warn or warn_of)):
            message = "start was already called with other options; call it once, or stop the agent first"
            raise ConfigError("", 0, message)
        if slot.options is None:
            process.registry().use_guard(limits)
            if not _has_link_of(slot, options, warn or warn_of):
                former = slot.link
                if former is not None:
                    slot.ending.append(former)
                    slot.link = None
                    former.hang_up()
                    _forget(slot, former)
                _arm(slot, options, warn or warn_of)
                slot.is_started = False
            slot.options = options
        _begin(slot)
    return Agent()


def _are_texts(labels: object) -> bool:
    return isinstance(labels, Mapping) and all(isinstance(each, str) for pair in labels.items() for each in pair)


def link_state() -> LinkState:
    """What the breakers of this process run on."""
    return Agent().state


def _own() -> _Slot:
    """The slot of this process; what a fork brought along is made its own where no hook did so."""
    global _slot
    if _slot is None:
        _slot = _Slot()
        process.registry().on_first_call(_first_call)
        fork.on_fork(_after_fork)
    elif _slot.pid != os.getpid():
        process.after_fork()
        _after_fork()
    return _slot


def _forget(slot: _Slot, link: Link) -> None:
    if link in slot.ending:
        slot.ending.remove(link)


def _has_link_of(slot: _Slot, options: StartOptions, warn: Warn) -> bool:
    """Whether the link that was begun without options is the one that these ask for: then it stays connected."""
    if slot.link is None or slot.warn.write is not warn:
        return False
    try:
        return slot.link.settings == read_settings(options, os.environ)
    except Exception:
        # Of what is wrong with them, ``_arm`` warns.
        return False


def _arm(slot: _Slot, options: StartOptions, warn: Warn) -> None:
    """Read the settings and what is known without the operator."""
    with slot.lock:
        slot.is_armed = True
        slot.warn = WarningLog(warn)
        try:
            settings = read_settings(options, os.environ)
            if settings.disabled:
                return
            link = Link(settings, process.registry(), slot.ledger, slot.warn, random.random)
            slot.link = link
            link.load()
        except Exception as error:
            slot.warn(f"the link to the operator cannot be started: {type(error).__name__}: {error}")


def _begin(slot: _Slot) -> None:
    with slot.lock:
        if slot.is_started or slot.link is None:
            return
        slot.is_started = True
        try:
            slot.link.start()
        except Exception as error:
            slot.is_started = False
            slot.warn(f"the link to the operator cannot be started: {type(error).__name__}: {error}")


def _first_call() -> None:
    slot = _own()
    if slot.is_armed:
        _begin(slot)


def _after_fork() -> None:
    """In a forked child: another boot, totals of zero, and a link of its own with the first call."""
    slot = _slot
    if slot is None or slot.pid == os.getpid():
        return
    slot.pid = os.getpid()
    slot.lock = threading.RLock()
    slot.ledger = Ledger()
    slot.is_started = False
    ending, slot.ending = slot.ending, []
    for link in ending:
        link.let_go()
    if slot.link is not None:
        slot.link = None if slot.link in ending else slot.link.forked(slot.ledger)
