"""Values that the domain's tables share, each with defaults that a case overrides. No test belongs here."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from namecard_release.domain.alarms import AlarmReading, AlarmState
from namecard_release.domain.assembly import Assembly
from namecard_release.domain.gates import GateResult, Phase, Verdict
from namecard_release.domain.migrations import LedgerRow, MigrationFile
from namecard_release.domain.promotion import Promotion, PromotionKind, PromotionPhase

T0 = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
A, B, C = ("a" * 40, "b" * 40, "c" * 40)
USERS = "2026-01-05T0900__auth__create-users.sql"
CARDS = "2026-01-06T1000__cards__create-cards.sql"
TITLE = "2026-02-02T0900__cards__add-job-title.sql"
SERVICES = ("auth", "cards")


def at(seconds: float) -> datetime:
    """Give the moment that many seconds after T0."""
    return T0 + timedelta(seconds=seconds)


def reading(name: str, state: AlarmState = AlarmState.OK, since: float = 0, arn: str = "") -> AlarmReading:
    """Make a reading whose last state change was `since` seconds after T0."""
    return AlarmReading(name, arn or f"arn:{name}", state, at(since))


def file(name: str, service: str | None = None, checksum: str = "0" * 64) -> MigrationFile:
    """Make a migration file of the service its name tells."""
    named = service or (name.split("__")[1] if name.count("__") == 2 else "auth")
    return MigrationFile(name, named, checksum, f"services/{named}/migrations/{name}", "select 1;")


def row(name: str, checksum: str = "0" * 64) -> LedgerRow:
    """Make a ledger row."""
    return LedgerRow(name, checksum, T0, A)


def promotion(release: str = C, phase: PromotionPhase = PromotionPhase.SUCCEEDED, when: float = 0) -> Promotion:
    """Make a verified promotion to staging, requested and deployed `when` seconds after T0."""
    return Promotion(
        id=f"staging-{release[:4]}-{when:.0f}",
        environment="staging",
        release=release,
        kind=PromotionKind.PROMOTION,
        phase=phase,
        actor="ada",
        reason="asked for",
        requested_at=at(when),
        updated_at=at(when),
        assembly=f"digest-{release[:4]}",
        deploy_started_at=at(when),
        deployed_at=at(when),
        bake_until=at(when + 60),
        schema_version=TITLE,
        code_changed=True,
        verified=True,
    )


def rollback(release: str, when: float, phase: PromotionPhase = PromotionPhase.SUCCEEDED) -> Promotion:
    """Make a verified rollback onto a release."""
    return replace(promotion(release, phase, when), id=f"rollback-{when:.0f}", kind=PromotionKind.ROLLBACK)


def phase(name: str, verdict: Verdict, reason: str = "because") -> Phase:
    """Make a phase of a gate."""
    return Phase(name, verdict, reason)


def gate(name: str, verdict: Verdict, ended: float = 0, reason: str = "because") -> GateResult:
    """Make a gate's result that ended that many seconds after T0."""
    return GateResult(name, A, verdict, reason, at(ended - 5), at(ended))


def assembly(stacks: tuple[str, ...] = (), migrations: tuple[str, ...] | None = ()) -> Assembly:
    """Make an assembly with stacks and the files in its migrator's bundle."""
    return Assembly("d" * 64, A, "staging", "i" * 64, "/store/d", stacks, (), migrations, T0)
