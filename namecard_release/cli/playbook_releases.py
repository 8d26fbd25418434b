"""A playbook's rollback and roll forward: the commands of their own, and a word in the incident."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from namecard_release.cli.changing import request_promotion, request_rollback
from namecard_release.cli.output import print_json
from namecard_release.cli.reading import resolve
from namecard_release.domain.approvals import is_named
from namecard_release.domain.incident_steps import Word
from namecard_release.domain.mitigations import MitigationKind, Request
from namecard_release.domain.playbooks import explain_misuse
from namecard_release.errors import MisuseError
from namecard_release.workflow.mitigation_targets import find_playbook
from namecard_release.workflow.responding import note

if TYPE_CHECKING:
    from namecard_release.settings import Settings
    from namecard_release.workflow.pipeline import Pipeline


@dataclass(frozen=True)
class Release:
    """What only a rollback or a roll forward is told."""

    commit: str
    accept_schema_risk: bool
    override_freeze: bool
    plan_only: bool


def run_release(settings: Settings, pipeline: Pipeline, request: Request, wanted: Release, json: bool) -> None:
    """Launch a rollback or a promotion through the machinery of its own, and note it in the incident."""
    wrong = explain_misuse(request.kind, find_playbook(request.playbook))
    if wrong is not None:
        raise MisuseError(wrong)
    if request.service or request.to or request.flag or request.alias or request.confirm:
        raise MisuseError(f"{request.kind} is about the whole release: it takes --commit alone")
    if wanted.plan_only:
        _plan(settings, request, wanted, json)
        return
    if not is_named(request.actor) or not request.reason:
        raise MisuseError("say why with --reason: it is kept in the audit trail")
    reason = f"{request.reason} ({request.incident})" if request.incident else request.reason
    run_id = _launch(settings, request, wanted, reason)
    if request.incident is not None:
        text = f"{request.kind} asked for: run {settings.dagster.url}/runs/{run_id}; {request.reason}"
        note(pipeline.settings, pipeline.ledger, request.incident, Word(request.actor, text), pipeline.clock.now())
    if json:
        print_json({"run_id": run_id, "kind": str(request.kind), "incident": request.incident})
        return
    typer.echo(f"{request.kind} of {request.environment}: run {settings.dagster.url}/runs/{run_id}")


def _launch(settings: Settings, request: Request, wanted: Release, reason: str) -> str:
    if request.kind is MitigationKind.ROLLBACK:
        to = wanted.commit or None
        return request_rollback(settings, request.environment, to, request.actor, reason, wanted.accept_schema_risk)
    if not wanted.commit:
        raise MisuseError("name the release to roll forward to with --commit")
    override = reason if wanted.override_freeze else None
    return request_promotion(settings, request.environment, wanted.commit, request.actor, reason, override)[0]


def _plan(settings: Settings, request: Request, wanted: Release, json: bool) -> None:
    if request.kind is MitigationKind.ROLLBACK:
        from namecard_release.cli.changing import plan_rollback_of
        from namecard_release.cli.rollback_plan import tell_plan

        tell_plan(plan_rollback_of(settings, request.environment, wanted.commit or None), json)
    if not wanted.commit:
        raise MisuseError("name the release to roll forward to with --commit")
    from namecard_release.composition import build_pipeline
    from namecard_release.workflow.promoting import check_entry

    sha = resolve(settings, wanted.commit)
    override = request.reason if wanted.override_freeze else None
    closed = check_entry(build_pipeline(settings), request.environment, sha, override)
    if json:
        print_json({"kind": str(request.kind), "release": sha, "closed": closed})
        return
    typer.echo(f"{sha} may not enter {request.environment}: {closed}" if closed else f"would promote {sha}")
