"""Scenario files read and checked into the domain's traces. Replaying them does not belong here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from namecard_release.domain.alarms import AlarmAction, AlarmRule, AlarmState
from namecard_release.domain.compatibility import Safety
from namecard_release.domain.simulation import Trace, TraceEvent
from namecard_release.errors import MisuseError

Kind = Literal[
    "Errors", "Throttles", "Latency", "HttpApiLatency", "DbConnections", "RdsProxyConnections", "DeadLetterQueue"
]
_KINDS: Mapping[Kind, str] = {
    "Errors": "errors",
    "Throttles": "throttles",
    "Latency": "latency",
    "HttpApiLatency": "api_latency",
    "DbConnections": "db_connections",
    "RdsProxyConnections": "proxy_connections",
    "DeadLetterQueue": "dlq",
}
_PAGED = frozenset({"DbConnections", "RdsProxyConnections", "DeadLetterQueue"})
_ACTIONS = {kind: AlarmAction.PAGE if kind in _PAGED else AlarmAction.ROLL_BACK for kind in _KINDS}
State = Literal["OK", "ALARM", "INSUFFICIENT_DATA", "READ_ERROR"]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Policy(_Model):
    sustain_s: Seconds = 10
    unknown_deadline_s: Seconds = 120
    actions: Mapping[Kind, AlarmAction] = {}


class _Event(_Model):
    t: Seconds
    alarm: Annotated[str, Field(min_length=1)]
    state: State


class _Scenario(_Model):
    id: str
    policy: _Policy = _Policy()
    bake_s: Seconds
    baseline: Mapping[str, State] = {}
    events: tuple[_Event, ...] = ()
    verdict: Safety = Safety.UNKNOWN
    last_good: str | None = None
    is_rollback: bool = False
    held: bool = False
    # Told for completeness: a freeze never stops a rollback.
    frozen: bool = False


def read_scenarios(path: Path) -> list[Trace]:
    """Read every scenario of a file: one in a .json file, one a line in a .jsonl file.

    Raises MisuseError naming the file, the line and everything that is wrong in the first bad scenario.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise MisuseError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise MisuseError(f"{path} is not UTF-8: byte {error.start} cannot be read") from error
    return [_read(where, piece) for where, piece in _pieces(path, text)]


def _pieces(path: Path, text: str) -> Iterator[tuple[str, str]]:
    if path.suffix != ".jsonl":
        yield str(path), text
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield f"{path}:{number}", line


def _read(where: str, text: str) -> Trace:
    try:
        scenario = _Scenario.model_validate(json.loads(text))
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(str(p) for p in e['loc']) or 'scenario'}: {e['msg']}" for e in error.errors())
        raise MisuseError(f"{where}: {told}") from error
    except ValueError as error:
        raise MisuseError(f"{where} is not JSON: {error}") from error
    return _to_trace(scenario)


def _to_trace(scenario: _Scenario) -> Trace:
    policy = scenario.policy
    actions: dict[Kind, AlarmAction] = {**_ACTIONS, **policy.actions}
    events: Any = sorted(scenario.events, key=lambda event: event.t)
    return Trace(
        id=scenario.id,
        bake_seconds=scenario.bake_s,
        unknown_deadline_seconds=policy.unknown_deadline_s,
        rules={_KINDS[kind]: AlarmRule(action, policy.sustain_s) for kind, action in actions.items()},
        baseline={name: _state(state) for name, state in scenario.baseline.items()},
        events=tuple(TraceEvent(event.t, event.alarm, _state(event.state)) for event in events),
        safety=scenario.verdict,
        last_good=scenario.last_good,
        is_rollback=scenario.is_rollback,
        is_held=scenario.held,
    )


def _state(state: State) -> AlarmState:
    return AlarmState.UNREAD if state == "READ_ERROR" else AlarmState(state)
