"""Which alarms each stack has, remembered. A long-lived process must not read by names from before a deploy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from namecard_release.adapters.cloudwatch import FoundAlarm
from namecard_release.errors import TransientError

# A stack may be changed without this pipeline.
_KEPT = timedelta(minutes=5)
# An alarm that is a stack's resource and has no state may have been replaced a moment ago, or deleted for good.
_DOUBTED = timedelta(seconds=30)

Finder = Callable[[Sequence[str]], Sequence[tuple[FoundAlarm, ...]]]


@dataclass(frozen=True)
class _Listed:
    alarms: tuple[FoundAlarm, ...]
    at: datetime
    renew_at: datetime


class AlarmNames:
    """The alarms of stacks as `find` lists them, in the stacks' order; `now` is the clock that they age by."""

    def __init__(self, find: Finder, now: Callable[[], datetime]) -> None:
        self._find = find
        self._now = now
        self._known: dict[str, _Listed] = {}

    def of(self, stacks: Sequence[str], since: datetime | None = None) -> tuple[FoundAlarm, ...]:
        """Give the stacks' alarms, listed after `since` where that is given.

        Raises as `find` does, unless it is for what only got old: what is known then is better than to be blind.
        """
        now = self._now()
        needed = [name for name in stacks if self._is_needed(name, since)]
        old = [name for name in stacks if name not in needed and now >= self._known[name].renew_at]
        if needed:
            self._list([*needed, *old], now)
        elif old:
            self._renew(old, now)
        return tuple(alarm for name in stacks if name in self._known for alarm in self._known[name].alarms)

    def doubt(self, stacks: Sequence[str]) -> None:
        """Have the stacks listed again next time, unless that was done a moment ago."""
        now = self._now()
        for name in stacks:
            known = self._known.get(name)
            if known is not None and now - known.at >= _DOUBTED:
                self._known[name] = replace(known, renew_at=min(known.renew_at, now))

    def forget(self) -> None:
        """Forget all of it."""
        self._known.clear()

    def _is_needed(self, stack: str, since: datetime | None) -> bool:
        known = self._known.get(stack)
        return known is None or (since is not None and known.at <= since)

    def _renew(self, stacks: Sequence[str], now: datetime) -> None:
        try:
            self._list(stacks, now)
        except TransientError:
            for name in stacks:
                # Asked for again after a while, not at each look.
                self._known[name] = replace(self._known[name], renew_at=now + _DOUBTED)

    def _list(self, stacks: Sequence[str], now: datetime) -> None:
        for name, found in zip(stacks, self._find(stacks), strict=True):
            # A stack that is not there yet is asked for again, and so is one that shows no alarm yet.
            if found:
                self._known[name] = _Listed(found, now, now + _KEPT)
            else:
                self._known.pop(name, None)
