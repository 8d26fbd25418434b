"""Verdicts and tables as Dagster metadata that a person can read, and errors as failures without a traceback."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import dagster as dg

from namecard_release.domain.compatibility import Reason
from namecard_release.domain.evidence import REUSED_FROM
from namecard_release.domain.gates import GateResult, Phase, Verdict, combine_phases
from namecard_release.domain.roll_forward import RollForward
from namecard_release.errors import ReleaseError, TransientError
from namecard_release.redaction import redact

Metadata = dict[str, dg.MetadataValue]
TAIL_LINES = 30


@contextmanager
def told_plainly(metadata: Metadata | None = None) -> Iterator[None]:
    """Turn this project's errors into a Failure of one or two lines with evidence; what is transient may be retried.

    Any other error keeps its traceback, which Dagster stores for good, unless a secret stands in it.
    """
    try:
        yield
    except ReleaseError as error:
        raise dg.Failure(redact(str(error)), metadata, allow_retries=isinstance(error, TransientError)) from None
    except dg.Failure:
        raise
    except Exception as error:
        told = "".join(traceback.format_exception(error))
        if (clean := redact(told)) == told:
            raise
        raise dg.Failure(f"a defect whose text held a secret, here without it:\n{clean}", metadata) from None


def phase_table(phases: Sequence[Phase]) -> dg.MetadataValue:
    """Show phases as a table: name, verdict, seconds, reason."""
    records = [
        dg.TableRecord(
            {
                "phase": phase.name,
                "verdict": str(phase.verdict),
                "seconds": "" if phase.seconds is None else f"{phase.seconds:.1f}",
                "reason": phase.reason,
            }
        )
        for phase in phases
    ]
    columns = [dg.TableColumn(name) for name in ("phase", "verdict", "seconds", "reason")]
    return dg.MetadataValue.table(records, schema=dg.TableSchema(columns))


def failure_table(phases: Sequence[Phase]) -> Metadata:
    """Show what failed in phases as a table: phase, package, place, what; nothing for nothing."""
    names = ("phase", "package", "place", "what")
    records = [
        dg.TableRecord(dict(zip(names, (phase.name, one.package, one.place, one.what), strict=True)))
        for phase in phases
        for one in phase.failures
    ]
    if not records:
        return {}
    schema = dg.TableSchema([dg.TableColumn(name) for name in names])
    return {"failures": dg.MetadataValue.table(records, schema=schema)}


def name_table(column: str, names: Sequence[str], state: str) -> dg.MetadataValue:
    """Show names as a table with one state for all."""
    records = [dg.TableRecord({column: name, "state": state}) for name in names]
    columns = [dg.TableColumn(column), dg.TableColumn("state")]
    return dg.MetadataValue.table(records, schema=dg.TableSchema(columns))


def reason_table(reasons: Sequence[Reason]) -> dg.MetadataValue:
    """Show a verdict's reasons as a table: file, line, rule, why."""
    rows = [(one.file, str(one.line), one.rule, one.why) for one in reasons]
    return row_table(("file", "line", "rule", "why"), rows)


def roll_forward_steps(plan: RollForward) -> dg.MetadataValue:
    """Show a roll-forward plan as numbered steps with their reasons."""
    steps = [
        f"{number}. {step.what}\n   - {step.why}" + (f"\n   - `{step.sql}`" if step.sql else "")
        for number, step in enumerate(plan.steps, 1)
    ]
    return dg.MetadataValue.md("\n".join([f"**{plan.summary}**", "", *steps]))


def row_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> dg.MetadataValue:
    """Show rows of text as a table."""
    records = [dg.TableRecord(dict(zip(columns, row, strict=True))) for row in rows]
    return dg.MetadataValue.table(records, schema=dg.TableSchema([dg.TableColumn(name) for name in columns]))


def log_tail(phases: Sequence[Phase]) -> dg.MetadataValue:
    """Show the end of what each phase printed."""
    blocks = [f"**{phase.name}**\n```\n{_fence(phase.tail[-TAIL_LINES:])}\n```" for phase in phases if phase.tail]
    return dg.MetadataValue.md("\n\n".join(blocks) or "nothing was printed")


def _fence(lines: Sequence[str]) -> str:
    return "\n".join(line.replace("```", "'''") for line in lines)


def gate_metadata(result: GateResult) -> Metadata:
    """Show a gate: verdict, reason, phases, evidence, log tail."""
    shown: Metadata = {
        "verdict": dg.MetadataValue.text(str(result.verdict)),
        "reason": dg.MetadataValue.text(result.reason),
        "re-used": dg.MetadataValue.bool(REUSED_FROM in result.evidence),
        "seconds": dg.MetadataValue.float(round(result.seconds, 2)),
        "phases": phase_table(result.phases),
        "log": log_tail(result.phases),
    }
    if result.waived is not None:
        shown["waived"] = dg.MetadataValue.text(result.told)
    evidence = {key: dg.MetadataValue.text(value) for key, value in result.evidence.items()}
    return shown | failure_table(result.phases) | evidence


def gate_check(result: GateResult, name: str | None = None) -> dg.AssetCheckResult:
    """Show a gate as a blocking check: only PASSED and WAIVED pass, WAIVED as a warning; UNKNOWN blocks and says so."""
    waived = result.verdict is Verdict.WAIVED
    return dg.AssetCheckResult(
        check_name=name or result.gate,
        passed=waived or result.verdict is Verdict.PASSED,
        severity=dg.AssetCheckSeverity.WARN if waived else dg.AssetCheckSeverity.ERROR,
        description=result.told,
        metadata=gate_metadata(result),
    )


def phase_check(name: str, phases: Sequence[Phase]) -> dg.AssetCheckResult:
    """Show phases that belong together as one check."""
    verdict, reason = combine_phases(phases)
    return dg.AssetCheckResult(
        check_name=name,
        passed=verdict is Verdict.PASSED,
        description=f"{verdict}: {reason}",
        metadata={"phases": phase_table(phases)} | failure_table(phases),
    )
