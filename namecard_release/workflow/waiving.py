"""Waivers granted, revoked and looked up. When one counts is the domain's rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from namecard_release.domain.gates import GateResult
from namecard_release.domain.release import short
from namecard_release.domain.waivers import Waiver, apply_waivers, read_expiry
from namecard_release.errors import MisuseError, RefusedError
from namecard_release.ledger_port import ReleaseLedger
from namecard_release.settings import Settings
from namecard_release.workflow.gating import ENVIRONMENT_GATES, RELEASE_GATES


@dataclass(frozen=True)
class WaiverRequest:
    """Who asks to waive which gate of which release (full SHA) until when, as it was written, and why."""

    gate: str
    release: str
    environment: str | None
    actor: str
    reason: str
    expires: str


def waive_gate(settings: Settings, ledger: ReleaseLedger, request: WaiverRequest, now: datetime) -> Waiver:
    """Keep a waiver. Raises MisuseError for a request that makes no sense, RefusedError where the policy forbids it."""
    _check_place(settings, request.gate, request.environment)
    blank = [name for name in ("actor", "reason") if not getattr(request, name).strip()]
    if blank:
        raise MisuseError(f"a waiver needs its {' and '.join(blank)}: who waives the gate, and why")
    try:
        until = read_expiry(request.expires, now, timedelta(seconds=settings.gates.longest_waiver_seconds))
    except ValueError as error:
        raise MisuseError(f"--expires: {error}") from error
    if not settings.gates.policy_of(request.gate).waivable:
        raise RefusedError(
            f"{request.gate} is not waived: gates.policy.{request.gate}.waivable is false\nmake the gate pass instead"
        )
    return ledger.waive(
        Waiver(
            request.gate,
            request.release,
            request.environment,
            request.actor.strip(),
            request.reason.strip(),
            now,
            until,
        )
    )


def unwaive_gate(
    settings: Settings,
    ledger: ReleaseLedger,
    gate: str,
    release: str,
    environment: str | None,
    actor: str,
    now: datetime,
) -> tuple[Waiver, ...]:
    """Revoke the waivers in force of a gate. Raises MisuseError for an unknown gate, RefusedError for none in force."""
    _check_place(settings, gate, environment)
    if not actor.strip():
        raise MisuseError("to revoke a waiver, say who does it")
    revoked = ledger.revoke_waivers(gate, release, environment, actor.strip(), now)
    if not revoked:
        place = "every environment" if environment is None else environment
        raise RefusedError(f"no waiver of {gate} for {short(release)} in {place} is in force: see 'gates waivers'")
    return revoked


def look_with_waivers(
    settings: Settings, ledger: ReleaseLedger, results: Sequence[GateResult], environment: str | None, now: datetime
) -> tuple[GateResult, ...]:
    """Look at gate results of one release with the waivers in force at `now`; the ledger keeps them as they were."""
    if not results:
        return ()
    waivers = ledger.waivers(results[0].release)
    return apply_waivers(results, waivers, environment, lambda gate: settings.gates.policy_of(gate).waivable, now)


def _check_place(settings: Settings, gate: str, environment: str | None) -> None:
    gates = (*RELEASE_GATES, *ENVIRONMENT_GATES)
    if gate not in gates:
        raise MisuseError(f"unknown gate {gate!r}: there are {', '.join(gates)}")
    if environment is not None:
        settings.environment(environment)
