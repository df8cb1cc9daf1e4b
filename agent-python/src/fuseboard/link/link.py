"""The link of this process to the operator."""

from __future__ import annotations

import os
import platform
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Literal

from ..breakers.governed_breaker import GovernedBreaker
from ..breakers.registry import Registry
from ..core.config.trip_conditions import fields_in_words
from ..core.text import cut
from ..version import VERSION
from ..warning import WarningLog
from .bootstrap import read_bootstrap
from .connection import Endpoint
from .last_good import LastGoodFile, last_good_path, read_last_good
from .ledger import Ledger
from .limits import MAX_GUARDED, PROTOCOL
from .messages import Message
from .policy_store import Committed, PolicyStore, Reconnect, Rejection
from .reporter import Applied, Reporter
from .settings import Settings
from .stream import Stream
from .timers import ThreadTimers, Timers

LinkState = Literal["Live", "Stale", "LastGood", "Defaults"]
"""What the breakers run on.

``Live``: what the operator says now. ``Stale``: what it said last, the stream is down. ``LastGood``: what it said to an earlier
process, from the file. ``Defaults``: the bootstrap file, else the defaults of the code."""

MAX_NAMED = 100


class Link:
    """Nothing in it raises into a call, delays one, or keeps the process alive."""

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        ledger: Ledger,
        warn: WarningLog,
        random: Callable[[], float],
        timers: Timers | None = None,
        store: PolicyStore | None = None,
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._ledger = ledger
        self._warn = warn
        self._random = random
        self._own_timers = ThreadTimers() if timers is None else None
        self._timers: Timers = self._own_timers or timers or ThreadTimers()
        self._store = store or PolicyStore(registry.now)
        self._named: set[tuple[str, bool]] = set()
        self._guarded: set[str] = set()
        """What was warned about because the guard changes it."""
        self._is_live = False
        self._changed = threading.Condition()
        self._stream: Stream | None = None
        self._reporter: Reporter | None = None
        self._file: LastGoodFile | None = None
        self._applied_at: float | None = None
        self._needs_snapshot = False
        """The next stream must send everything."""
        self._unsubscribes: list[Callable[[], None]] = []
        self._cancel_end: Callable[[], None] = lambda: None
        self._is_started = False
        self._is_over = False

    @property
    def state(self) -> LinkState:
        held = self._store.policy_set
        origin = None if held is None else held.origin
        if origin == "stream":
            return "Live" if self._is_live else "Stale"
        return "LastGood" if origin == "last-good" else "Defaults"

    @property
    def settings(self) -> Settings:
        return self._settings

    @property
    def has_operator(self) -> bool:
        return self._settings.url is not None

    def load(self) -> None:
        """Read the last good policies, else the bootstrap file, at once, and apply them."""
        settings = self._settings
        for problem in settings.problems:
            self._warn(problem)
        path = last_good_path(settings)
        if path is not None:
            self._file = LastGoodFile(path, self._timers, self._warn)
            read = read_last_good(path)
            if read.problem is not None:
                self._warn(read.problem)
            if read.stored is not None:
                self._apply(self._store.restore(read.stored, "last-good"))
                self._warn_rejected([])
                return
        if settings.policies is None:
            return
        found = read_bootstrap(settings.policies, settings.namespace, settings.labels)
        if found.problem is not None:
            self._warn(found.problem)
        if found.stored is not None:
            self._apply(self._store.restore(found.stored, "bootstrap"))
            self._warn_rejected([])

    def start(self) -> None:
        """Connect to the operator, if there is one, in threads of the link's own."""
        settings = self._settings
        if self._is_started:
            return
        self._is_started = True
        if settings.url is None:
            self._unsubscribes = [self._registry.on_create(lambda breaker: self._warn_unprotected([breaker]))]
            self._warn_unprotected(breaker for _, key, breaker in self._registry.breakers() if key is None)
            return
        endpoint = Endpoint(settings.url, settings.token_file, settings.ca_file)
        instance = cut(f"{socket.gethostname()}/{os.getpid()}/python", 512)
        registry, ledger = self._registry, self._ledger
        reporter = Reporter(
            endpoint,
            identity={"service": settings.service, "instance": instance},
            ledger=ledger,
            namespace=settings.namespace,
            timers=self._timers,
            random=self._random,
            breakers=lambda: registry.breakers(ledger.is_pending),
            event_now=registry.now,
            applied=self._applied,
            misdirected=self._misdirected,
            warn=self._warn,
        )
        self._reporter = reporter
        self._stream = Stream(
            endpoint,
            query=lambda: self._query(instance),
            resume_from=lambda: None if self._needs_snapshot else self._store.resume_from,
            received=self._received,
            closed=self._closed,
            warn=self._warn,
            now=self._timers.now,
            random=self._random,
        )
        self._unsubscribes = [
            registry.on_transition(reporter.changed),
            registry.on_create(lambda breaker: self._warn_unprotected([breaker])),
        ]
        try:
            self._schedule_override_end()
            self._stream.start()
        except RuntimeError:
            # No thread can be started. Whoever starts the link later may have more luck.
            for unsubscribe in self._unsubscribes:
                unsubscribe()
            self._is_started = False
            raise

    def ready(self, timeout: float) -> LinkState:
        """Wait until the operator's policies are applied, at most so many seconds; return the state then. Never raises."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_live or not self.has_operator or self._is_over, timeout)
        return self.state

    def stop(self, flush: float) -> None:
        """Send the last counts, keep the policies in the file and hang up; the counts take at most so many seconds."""
        if self._reporter is not None:
            self._reporter.bye(flush * 1_000)
        if self._file is not None:
            self._file.flush()
        self.hang_up()

    def hang_up(self) -> None:
        """End the link and send nothing, because another one of the same process takes over."""
        self._is_over = True
        for unsubscribe in self._unsubscribes:
            unsubscribe()
        self._unsubscribes = []
        self._cancel_end()
        if self._stream is not None:
            self._stream.stop()
        if self._reporter is not None:
            self._reporter.close()
        if self._own_timers is not None:
            self._own_timers.stop()
        with self._changed:
            self._changed.notify_all()

    def let_go(self) -> None:
        """In a forked child, where the threads of this link are gone: nothing of it is used any more.

        Takes no lock, because a thread of the parent may have held it. The connections are the parent's and stay open there.
        """
        for unsubscribe in self._unsubscribes:
            unsubscribe()
        if self._stream is not None:
            self._stream.let_go()
        if self._reporter is not None:
            self._reporter.let_go()

    def forked(self, ledger: Ledger) -> Link:
        """In a forked child: a link that begins with what this one had."""
        self.let_go()
        self._store.abandon()
        link = Link(self._settings, self._registry, ledger, self._warn, self._random, store=self._store)
        link._applied_at = self._applied_at
        link._named = set(self._named)
        link._guarded = set(self._guarded)
        path = last_good_path(self._settings)
        if path is not None:
            link._file = LastGoodFile(path, link._timers, link._warn)
        return link

    def _query(self, instance: str) -> dict[str, str]:
        settings, as_of = self._settings, self._store.as_of
        query = {
            "protocol": str(PROTOCOL),
            "service": settings.service,
            "instance": instance,
            "boot": self._ledger.boot,
            "labels": ",".join(f"{key}={value}" for key, value in settings.labels.items()),
            "since": ",".join(f"{kind}={as_of[kind]}" for kind in ("policies", "overrides") if kind in as_of),
            "language": "python",
            "version": VERSION,
            "runtime": cut(platform.python_version(), 64),
        }
        if settings.namespace is not None:
            query["namespace"] = settings.namespace
        return query

    def _received(self, message: Message) -> str | None:
        reporter = self._reporter
        if reporter is None or self._is_over:
            return "the link was stopped"
        if message["type"] == "hello":
            self._store.abandon()
            reporter.attach(message.get("reportUrl"))
            return None
        before = self._store.rejections
        outcome = self._store.take(message)
        if outcome is None:
            return None
        if isinstance(outcome, Reconnect):
            self._needs_snapshot = self._needs_snapshot or outcome.needs_snapshot
            return outcome.message
        self._needs_snapshot = False
        self._warn_rejected(before)
        if isinstance(outcome, Committed):
            self._apply(outcome)
            stored = self._store.stored()
            if self._file is not None and stored is not None:
                self._file.save(stored, outcome.reset)
            with self._changed:
                self._is_live = True
                self._changed.notify_all()
            self._warn_unprotected(breaker for _, key, breaker in self._registry.breakers() if key is None)
        reporter.acknowledge()
        return None

    def _closed(self) -> None:
        self._is_live = False
        self._store.abandon()
        if self._reporter is not None:
            self._reporter.detach()

    def _misdirected(self) -> None:
        if self._stream is not None:
            self._stream.reconnect("reports do not reach the replica that holds the stream")

    def _apply(self, committed: Committed) -> None:
        self._registry.apply(committed.policy_set, committed.overrides)
        self._applied_at = self._timers.now()
        self._warn_guarded()
        if self._stream is not None:
            self._schedule_override_end()

    def _schedule_override_end(self) -> None:
        """Apply what is left when the next override ends, whether or not the operator says so."""
        self._cancel_end()
        overrides, now = self._registry.overrides, self._registry.now()
        ends = [each.ends_at for each in overrides if each.ends_at > now]
        if not ends:
            return

        def end() -> None:
            if self._is_over:
                return
            self._registry.apply_overrides(self._store.overrides)
            if self._reporter is not None:
                self._reporter.acknowledge()
            self._schedule_override_end()

        self._cancel_end = self._timers.after(min(ends) - now + 1, end)

    def _applied(self) -> Applied:
        held = self._store.policy_set
        rejections = self._store.rejections
        if held is None or held.origin == "bootstrap":
            return Applied(rejections=rejections)
        now = self._registry.now()
        applied = [each.uid for each in self._registry.overrides if each.ends_at > now]
        guarded = [
            {"uid": each.uid, "by": each.by, **({} if each.limit is None else {"limit": each.limit})}
            for each in self._registry.guarded[:MAX_GUARDED]
        ]
        return Applied(held.revision, self._applied_at, rejections, applied, guarded)

    def _warn_rejected(self, before: list[Rejection]) -> None:
        known = {(each["uid"], each["generation"]) for each in before}
        for each in self._store.rejections:
            if (each["uid"], each["generation"]) not in known:
                self._warn(
                    f"policy {each['uid']}, generation {each['generation']}, cannot be used: {each['field']}: "
                    f"{each['message']}; the version before it stays in force"
                )

    def _warn_guarded(self) -> None:
        """Warn once about each policy and override that the guard of the code changes."""
        for each in self._registry.guarded:
            if str(each) not in self._guarded and len(self._guarded) < MAX_NAMED:
                self._guarded.add(str(each))
                self._warn(f"the guard of this service limits {each}")

    def _warn_unprotected(self, breakers: Iterable[GovernedBreaker]) -> None:
        """Warn once about each breaker whose circuit never opens: without policy and defaults, or a condition in them.

        A policy may still come from an operator that was not reached, and a process without an operator may use breakers that
        are governed elsewhere; neither is warned about.
        """
        if self.has_operator and not self._is_live:
            return
        ungoverned: list[str] = []
        untripped: list[str] = []
        for breaker in breakers:
            if len(self._named) >= MAX_NAMED:
                break
            name, is_governed = breaker.name, breaker.source != "none"
            if not (breaker.never_opens if is_governed else self.has_operator) or (name, is_governed) in self._named:
                continue
            self._named.add((name, is_governed))
            if is_governed:
                origin = "its defaults" if breaker.policy is None else f'policy "{breaker.policy.name}"'
                untripped.append(f'"{name}" ({origin})')
            else:
                ungoverned.append(f'"{name}"')
        if ungoverned:
            self._warn(
                f"no policy governs {', '.join(ungoverned)}: calls pass and are counted; apply a CircuitBreakerPolicy that "
                "lists the name in spec.breakers, or give get_breaker defaults"
            )
        if untripped:
            self._warn(
                f"nothing can open the circuit of {', '.join(untripped)}, because trip has no condition; set "
                f"{fields_in_words()} in trip"
            )
