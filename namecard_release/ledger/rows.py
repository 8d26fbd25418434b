"""Rows turned into the domain's values and back. Querying does not belong here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from enum import Enum
from typing import Any

from sqlalchemy import RowMapping

from namecard_release.domain.alarms import AlarmReading
from namecard_release.domain.approvals import Approval
from namecard_release.domain.evidence import INPUTS, REUSED_FROM
from namecard_release.domain.failures import Failure
from namecard_release.domain.gates import GateResult, Phase, Verdict
from namecard_release.domain.pauses import Pause
from namecard_release.domain.promotion import Hold, Promotion, PromotionKind, PromotionPhase
from namecard_release.domain.rollback import Action, Decision
from namecard_release.domain.waivers import Waiver
from namecard_release.ledger.baselines import Baselines

PROMOTION_FIELDS = frozenset(field.name for field in fields(Promotion))
# A move names phase and reason by themselves, and a promotion keeps its id.
CHANGEABLE = PROMOTION_FIELDS - {"id", "phase", "reason"}

_BASELINES = Baselines()


def promotion_row(values: Mapping[str, object]) -> dict[str, Any]:
    """Turn some or all of a promotion's fields into column values."""
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [reading_row(one) if isinstance(one, AlarmReading) else one for one in value]
    return value


def reading_row(reading: AlarmReading) -> dict[str, Any]:
    """Turn an alarm's reading into JSON."""
    return {**asdict(reading), "state": reading.state.value, "since": reading.since.isoformat()}


def read_promotion(row: RowMapping) -> Promotion:
    """Turn a row into a promotion."""
    values = dict(row)
    values["kind"] = PromotionKind(values["kind"])
    values["phase"] = PromotionPhase(values["phase"])
    values["baseline"] = _BASELINES.read(values["baseline"])
    values["waived"] = tuple(values["waived"])
    return Promotion(**values)


def gate_row(result: GateResult) -> dict[str, Any]:
    """Turn a gate's result into column values. Raises ValueError for one looked at with a waiver: what the gate said
    would be lost.
    """
    if result.waived is not None:
        raise ValueError(f"the ledger keeps what {result.gate} said, not its waiver")
    names = [field.name for field in fields(result) if field.name not in ("waived", "id")]
    return {
        **{name: getattr(result, name) for name in names},
        "inputs": None if REUSED_FROM in result.evidence else result.evidence.get(INPUTS),
        "verdict": result.verdict.value,
        "phases": [{**asdict(phase), "verdict": phase.verdict.value} for phase in result.phases],
        "evidence": dict(result.evidence),
    }


def read_gate(row: RowMapping) -> GateResult:
    """Turn a row into a gate's result."""
    values = {name: value for name, value in row.items() if name != "inputs"}
    values["verdict"] = Verdict(values["verdict"])
    values["phases"] = tuple(_read_phase(phase) for phase in values["phases"])
    return GateResult(**values)


def _read_phase(raw: Mapping[str, Any]) -> Phase:
    # Rows of earlier versions name no failures.
    failures = tuple(Failure(**failure) for failure in raw.get("failures", ()))
    return Phase(raw["name"], Verdict(raw["verdict"]), raw["reason"], raw["seconds"], tuple(raw["tail"]), failures)


def read_hold(row: RowMapping) -> Hold:
    """Turn a row into a hold."""
    return Hold(**{name: value for name, value in row.items() if name != "id"})


def plain_row(value: Waiver | Approval | Pause) -> dict[str, Any]:
    """Turn a value whose fields are columns into their values; its number is the ledger's to give."""
    return {field.name: getattr(value, field.name) for field in fields(value) if field.name != "id"}


def read_waiver(row: RowMapping) -> Waiver:
    """Turn a row into a waiver."""
    return Waiver(**row)


def read_approval(row: RowMapping) -> Approval:
    """Turn a row into an approval."""
    return Approval(**row)


def read_pause(row: RowMapping) -> Pause:
    """Turn a row into a pause."""
    return Pause(**row)


def decision_row(decision: Decision) -> dict[str, Any]:
    """Turn a decision into column values. Raises ValueError for WAIT, which would keep the real one out."""
    if decision.action is Action.WAIT:
        raise ValueError("only a decisive decision is recorded, not WAIT")
    to, arns = decision.to, list(decision.arns)
    return {"action": decision.action.value, "reason": decision.reason, "to_release": to, "arns": arns}


def read_decision(row: RowMapping) -> Decision:
    """Turn a row into a decision."""
    return Decision(Action(row["action"]), row["reason"], row["to_release"], tuple(row["arns"]))
