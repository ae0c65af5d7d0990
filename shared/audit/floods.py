"""Events that come in a flood: a bounded number gets a record each, and the rest is counted."""

import time
from collections.abc import Callable, Hashable
from typing import Final

from shared.errors import Code
from shared.hostwire import COUNT_MAX, AuditEvent, Origin

MIXED: Final = "mixed"
"""The action, or the outcome, of a record that stands for events of several."""
_REFUSED: Final = 60.0
"""Refusals of one kind at once."""
_OWN: Final = 600.0
"""Events at once about one workspace, or by one actor."""
_REFILL: Final = 1.0
"""Events a second, beyond those at once."""
_QUIET: Final = _REFUSED / _REFILL
"""Seconds after which a kind may be forgotten when there are too many."""
_LOOK: Final = 5.0
"""Seconds between two looks for those."""
_KINDS_MAX: Final = 2048
"""Kinds that are told apart."""
_HELD_MAX: Final = 512
"""Records that come of what was kept until it is taken."""
_ALL: Final = 20_000.0
"""Events of one source at once, whatever they are about: ever new names would roll the whole log over in seconds."""
_ALL_REFILL: Final = 50.0
_ANYBODY: Final = frozenset({"", "anonymous"})


def merged(one: AuditEvent, other: AuditEvent) -> AuditEvent:
    """An event that stands for both. Of what they do not agree on it says nothing."""
    a, b = one.origin, other.origin
    return AuditEvent(
        action=one.action if one.action == other.action else MIXED,
        outcome=one.outcome if one.outcome == other.outcome else MIXED,
        origin=Origin(
            a.actor if a.actor == b.actor else "",
            a.credential if a.credential == b.credential else "",
            a.address if a.address == b.address else "",
            a.request if a.request == b.request else "",
        ),
        workspace=one.workspace if one.workspace == other.workspace else None,
        organisation=one.organisation if one.organisation == other.organisation else None,
        target=one.target if one.target == other.target else "",
        count=min(one.count + other.count, COUNT_MAX),
        waited=max(one.waited, other.waited),
    )


class Dam:
    """Lets events through, so many at once and then so many a second of a kind; it keeps the others, merged, until `take`.

    What was refused to somebody unknown is of a kind by what it was; all else by whom it is about: a busy tenant neither fills
    the log nor hides what others do.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Nothing has come yet."""
        self._clock = clock
        self._buckets: dict[Hashable, tuple[float, float]] = {}
        """What is left of each kind's allowance, and when that was so."""
        self._totals: dict[Hashable, tuple[float, float]] = {}
        """The same of each source, of which there are few."""
        self._held: dict[Hashable, tuple[str, AuditEvent]] = {}
        self._looked = float("-inf")

    def admit(self, source: str, event: AuditEvent) -> bool:
        """Whether `event` gets a record of its own now; else it is kept."""
        who = event.workspace or event.organisation or event.origin.actor
        own = event.outcome != Code.UNAUTHORIZED and who not in _ANYBODY
        kind: Hashable = (source, who) if own else (source, event.action, event.outcome)
        most = _OWN if own else _REFUSED
        now = self._clock()
        if kind not in self._buckets and len(self._buckets) >= _KINDS_MAX:
            self._forget(now)
            if len(self._buckets) >= _KINDS_MAX:
                kind, most = source, _REFUSED
        admitted = _spend(self._buckets, kind, now, most, _REFILL) and _spend(self._totals, source, now, _ALL, _ALL_REFILL)
        if not admitted:
            self._keep(kind, source, event)
        return admitted

    def _keep(self, kind: Hashable, source: str, event: AuditEvent) -> None:
        group: Hashable = (kind, event.action, event.outcome)
        if group not in self._held and len(self._held) >= _HELD_MAX:
            group = source
        known = self._held.get(group)
        self._held[group] = source, merged(known[1], event) if known else event

    def _forget(self, now: float) -> None:
        """Forget the kinds that have been quiet; to look for them costs too much to do it for each event."""
        if now >= self._looked + _LOOK:
            self._looked = now
            self._buckets = {kind: (left, since) for kind, (left, since) in self._buckets.items() if since > now - _QUIET}

    def take(self) -> list[tuple[str, AuditEvent]]:
        """What was kept, each with its source; the caller gives it records."""
        held = list(self._held.values())
        self._held.clear()
        return held


def _spend(allowances: dict[Hashable, tuple[float, float]], kind: Hashable, now: float, most: float, refill: float) -> bool:
    left, since = allowances.get(kind, (most, now))
    left = min(most, left + (now - since) * refill)
    allowances[kind] = (left - 1 if left >= 1 else left), now
    return left >= 1
