"""Commands that only read: status, history. They import neither Dagster nor boto3, to answer at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from namecard_release.cli.output import exit_codes, print_json, print_table, when
from namecard_release.domain.freezes import describe_freeze, find_freeze
from namecard_release.domain.gates import Phase
from namecard_release.domain.heartbeats import ALARM_SENSOR, judge_seen
from namecard_release.domain.pauses import describe_pause, find_pause
from namecard_release.domain.post_bake import describe_watch
from namecard_release.domain.promotion import Promotion, PromotionPhase
from namecard_release.domain.release import short
from namecard_release.domain.status import EnvironmentStatus, describe_environment
from namecard_release.ledger_port import ReleaseLedger
from namecard_release.settings import Settings, find_settings, load_settings

SettingsOption = Annotated[Path | None, typer.Option("--settings", help="The settings file.")]
_RECENT = 30
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def read_settings(path: Path | None) -> Settings:
    """Load the settings file that applies."""
    return load_settings(find_settings(path))


def read_ledger(settings: Settings) -> ReleaseLedger:
    """Open the ledger."""
    from namecard_release.ledger.open import open_ledger

    return open_ledger(settings.paths.ledger_url)


def status(settings: SettingsOption = None, json: JsonOption = False) -> None:
    """Tell what runs where: release, schema, since when, by whom, what is under way and what is held."""
    with exit_codes():
        loaded = read_settings(settings)
        ledger = read_ledger(loaded)
        told = [_describe(loaded, ledger, name) for name in loaded.environments]
        sensor = _see_alarm_sensor(loaded, ledger)
    if json:
        environments = {one.environment: _plain_status(one) for one in told}
        print_json({"environments": environments, "alarm_sensor": sensor})
        return
    headers = ("ENVIRONMENT", "RELEASE", "PHASE", "SCHEMA", "SINCE", "ACTOR", "UNDER WAY", "HELD", "WAIVED", "PEOPLE")
    print_table(headers, [_row(one) for one in told])
    for one in told:
        if one.watch is not None:
            typer.echo(f"{one.environment} {short(one.release or '-')}: {one.watch}")
    typer.echo(sensor.reason)


def _see_alarm_sensor(settings: Settings, ledger: ReleaseLedger) -> Phase:
    seen = ledger.last_beat(ALARM_SENSOR)
    return judge_seen(ALARM_SENSOR, seen, datetime.now(UTC), settings.dagster.silent_after_seconds)


def _describe(settings: Settings, ledger: ReleaseLedger, name: str) -> EnvironmentStatus:
    now = datetime.now(UTC)
    pause = find_pause(ledger.pauses(name), name, now)
    freeze = find_freeze(settings.environment(name).freeze_windows(now), now)
    paused = None if pause is None else describe_pause(pause)
    frozen = None if freeze is None else describe_freeze(freeze)
    history = _read_standing(ledger, name)
    watch = _describe_watch(settings, ledger, history, now)
    return describe_environment(name, history, ledger.holds(name), paused, frozen, watch)


def _read_standing(ledger: ReleaseLedger, name: str) -> tuple[Promotion, ...]:
    """Read what is under way and was deployed lately; further back only where all of that was rolled back."""
    recent = ledger.standing(name, _RECENT)
    serving = any(p.code_changed and p.phase is not PromotionPhase.ROLLED_BACK for p in recent)
    return recent if serving else ledger.standing(name)


def _describe_watch(
    settings: Settings, ledger: ReleaseLedger, history: Sequence[Promotion], now: datetime
) -> str | None:
    newest = next((p for p in history if p.code_changed), None)
    if newest is None or newest.phase is not PromotionPhase.SUCCEEDED:
        return None
    policy = settings.environment(newest.environment).post_bake.policy()
    return describe_watch(newest, policy, ledger.post_bake_decision(newest.id), now)


def _plain_status(one: EnvironmentStatus) -> dict[str, object]:
    in_flight = None if one.in_flight is None else plain_promotion(one.in_flight)
    return {**asdict(one), "in_flight": in_flight}


def plain_promotion(promotion: Promotion) -> dict[str, object]:
    """Give a promotion's fields without the alarms' baseline, which is evidence and long."""
    told = asdict(replace(promotion, baseline=()))
    del told["baseline"]
    return told


def _row(one: EnvironmentStatus) -> tuple[str, ...]:
    moving = "-" if one.in_flight is None else f"{short(one.in_flight.release)} {one.in_flight.phase}"
    waiting = (one.in_flight and one.in_flight.waiting) or ""
    people = [text for text in (one.paused, one.frozen, waiting.partition(";")[0]) if text]
    return (
        one.environment,
        short(one.release or "-"),
        str(one.phase or "-"),
        one.schema_version or "-",
        when(one.since),
        one.actor or "-",
        moving,
        ", ".join(short(release) for release in one.held) or "-",
        _waived(one.waived),
        "; ".join(people) or "-",
    )


def _waived(waived: tuple[str, ...]) -> str:
    """Name the waived gates with the verdict under each; who, until when and why is in the JSON."""
    return ", ".join(one.partition(")")[0][:60] + ")" for one in waived) or "-"


def history(
    env: Annotated[str, typer.Option("--env", help="The environment.")],
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many, the newest first.")] = 200,
    settings: SettingsOption = None,
    json: JsonOption = False,
) -> None:
    """List an environment's promotions and rollbacks, newest first, with who and why."""
    with exit_codes():
        loaded = read_settings(settings)
        loaded.environment(env)
        ledger = read_ledger(loaded)
        promotions = ledger.history(env, limit)
        moves = ledger.moves_of([p.id for p in promotions])
    if json:
        rows = [
            {
                **plain_promotion(p),
                "moves": [{"at": at, "phase": phase, "reason": why} for at, phase, why in moves[p.id]],
            }
            for p in promotions
        ]
        print_json({"environment": env, "promotions": rows})
        return
    headers = ("REQUESTED", "KIND", "RELEASE", "PHASE", "ACTOR", "WAIVED", "REASON")
    print_table(headers, [_promotion_row(p, _why(p, moves[p.id])) for p in promotions])


def _promotion_row(p: Promotion, why: str) -> tuple[str, ...]:
    return (when(p.requested_at), str(p.kind), short(p.release), str(p.phase), p.actor, _waived(p.waived), why)


def _why(promotion: Promotion, moves: tuple[tuple[object, object, str], ...]) -> str:
    last = moves[-1][2] if moves else ""
    return (last or promotion.reason)[:120]


def resolve(settings: Settings, ref: str) -> str:
    """Resolve a ref of the platform's repository to a full SHA."""
    from namecard_release.adapters.git import GitRepository

    return GitRepository(settings.platform.repository, settings.paths.work).resolve(ref).sha
