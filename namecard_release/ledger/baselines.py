"""Long JSON values of the ledger, decoded once: a baseline may have thousands of alarms and is read at each look.

Which column holds what does not belong here.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from threading import Lock
from typing import Any

from namecard_release.domain.alarms import AlarmReading, AlarmState

# Below this many characters decoding costs less than keeping.
_LONG = 20_000
_KEPT = 8
_STATES = {state.value: state for state in AlarmState}


def load_json(text: str) -> Any:
    """Decode a JSON value; a long one's text is decoded once, and whoever gets it must not change it."""
    return _load_long(text) if len(text) >= _LONG else json.loads(text)


@lru_cache(maxsize=_KEPT)
def _load_long(text: str) -> Any:
    return json.loads(text)


class Baselines:
    """The readings made of decoded baselines, kept for the newest few long ones by the decoded value itself."""

    def __init__(self) -> None:
        self._lock = Lock()
        # With the value they were made of: while it is held, no other has its id.
        self._kept: OrderedDict[int, tuple[Sequence[Mapping[str, Any]], tuple[AlarmReading, ...]]] = OrderedDict()

    def read(self, raw: Sequence[Mapping[str, Any]]) -> tuple[AlarmReading, ...]:
        """Give the readings of a decoded baseline."""
        with self._lock:
            kept = self._kept.get(id(raw))
        if kept is not None:
            return kept[1]
        readings = tuple(_read_reading(one) for one in raw)
        if len(readings) > _LONG // 200:
            self._keep(raw, readings)
        return readings

    def _keep(self, raw: Sequence[Mapping[str, Any]], readings: tuple[AlarmReading, ...]) -> None:
        with self._lock:
            self._kept[id(raw)] = (raw, readings)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)


def _read_reading(raw: Mapping[str, Any]) -> AlarmReading:
    since = datetime.fromisoformat(raw["since"])
    # Rows of earlier versions name no children.
    children = tuple(raw.get("children", ()))
    return AlarmReading(raw["name"], raw["arn"], _STATES[raw["state"]], since, raw["reason"], children)
