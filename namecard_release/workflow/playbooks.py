"""A playbook's plan: the alarm, its evidence gathered anew, and what that suggests. Nothing is changed or written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from namecard_release.domain.alarms import AlarmReading, AlarmState, alarm_kind
from namecard_release.domain.incident import PLATFORM, Incident, fingerprint_of
from namecard_release.domain.incident_evidence import Concurrency, IncidentEvidence
from namecard_release.domain.mitigation_bounds import Reading
from namecard_release.domain.mitigations import IN_FORCE, Lever, Mitigation, Target
from namecard_release.domain.playbooks import Advice, Known, Playbook, advise
from namecard_release.domain.release import short
from namecard_release.errors import MisuseError, PermanentError, RefusedError, TransientError
from namecard_release.workflow.gathering import gather_evidence
from namecard_release.workflow.incident_evidence import alarm_of, begin_of
from namecard_release.workflow.incidents import read_case
from namecard_release.workflow.mitigation_targets import check_service, find_playbook, lever_of
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.rolling_back import plan_rollback

_BEFORE = timedelta(minutes=15)


@dataclass(frozen=True)
class PlaybookPlan:
    """What a playbook says about an environment now: the evidence, the advice, and what is in force already."""

    playbook: Playbook
    environment: str
    incident: Incident | None
    evidence: IncidentEvidence
    advice: Advice
    in_force: tuple[Mitigation, ...]


def plan_playbook(
    pipeline: Pipeline, name: str, environment: str, service: str = "", incident: str | None = None
) -> PlaybookPlan:
    """Diagnose by the playbook's alarm (the incident's, else the one that is there) and say what is suggested.

    What cannot be read is UNKNOWN with its reason, but the alarms: without them it is not known what to look at. Raises
    MisuseError for what is unknown to the settings or the ledger, for an incident of another playbook, and where no
    alarm of one service is in ALARM and none is named.
    """
    playbook = find_playbook(name)
    pipeline.settings.environment(environment)
    if service:
        check_service(pipeline.settings, service)
    known = find_incident(pipeline, playbook, environment, service, incident)
    alarm, since = _find_alarm(pipeline, playbook, environment, service, known)
    promoted = None if known is None or known.promotion is None else pipeline.ledger.promotion(known.promotion)
    now = pipeline.clock.now()
    evidence = gather_evidence(pipeline, environment, alarm, since, now, promoted, draw=False)
    if service and evidence.service is None:
        evidence = replace(evidence, service=service)
    advice = advise(playbook, evidence, _know(pipeline, environment, evidence))
    in_force = pipeline.ledger.mitigations(environment, IN_FORCE)
    return PlaybookPlan(playbook, environment, known, evidence, advice, in_force)


def find_incident(
    pipeline: Pipeline, playbook: Playbook, environment: str, service: str = "", incident: str | None = None
) -> Incident | None:
    """Give the incident that is named, else the one open incident that the playbook is for; None for none or several.

    Raises MisuseError for an unknown one, or one of another environment or playbook.
    """
    if incident is not None:
        try:
            found = read_case(pipeline.ledger, incident).incident
        except RefusedError as error:
            raise MisuseError(str(error)) from error
        of = found.fingerprint
        if of.environment != environment:
            raise MisuseError(f"{incident} is one of {of.environment}, not of {environment}")
        if of.kind not in playbook.kinds:
            raise MisuseError(f"{incident} is about {of.kind}; {playbook.name} is for {', '.join(playbook.kinds)}")
        return found
    fit = [
        one
        for one in pipeline.ledger.incidents(environment, unfinished=True)
        if one.is_open
        and one.fingerprint.kind in playbook.kinds
        and (not service or one.fingerprint.service in (service, PLATFORM))
    ]
    return fit[0] if len(fit) == 1 else None


def _find_alarm(
    pipeline: Pipeline, playbook: Playbook, environment: str, service: str, incident: Incident | None
) -> tuple[AlarmReading, datetime]:
    """Find the alarm to diagnose, and from when on: the incident's newest, else one in ALARM, else any that fits."""
    now = pipeline.clock.now()
    if incident is not None:
        case = read_case(pipeline.ledger, incident.id)
        return alarm_of(case), begin_of(case)
    site = pipeline.site(environment)
    readings = site.cloud.alarms(site.settings.stack_names)
    fit = [one for one in readings if alarm_kind(one.name) in playbook.kinds]
    of = {one.name: fingerprint_of(environment, one.name).service for one in fit}
    own = [one for one in fit if not service or of[one.name] in (service, PLATFORM)]
    loud = [one for one in own if one.state is AlarmState.ALARM]
    # A quiet alarm of one service says nothing about which service is meant.
    quiet = [one for one in own if of[one.name] == (service or PLATFORM)] or [one for one in own if service]
    if not loud and not quiet:
        names = (
            f"the stacks have no alarm of {playbook.name}" if not fit else f"no alarm of {playbook.name} is in ALARM"
        )
        raise MisuseError(f"{names} in {environment}: name the service to look at with --service")
    found = next(iter([*loud, *quiet]))
    begun = found.since if found.state is AlarmState.ALARM else now
    return found, begun - _BEFORE


def _know(pipeline: Pipeline, environment: str, evidence: IncidentEvidence) -> Known:
    """Read what the suggestions need beside the evidence; what cannot be read is told with its reason."""
    own, settings = pipeline.settings.playbooks, pipeline.settings
    known = Known(own.declared_flags(), own.bounds())
    known = _know_concurrency(pipeline, evidence, known)
    key = settings.environment(environment).key
    if {"db_connections", "proxy_connections", "api_latency", "latency"} & {evidence.kind or ""}:
        cluster, dark = _try_read(pipeline, Target(environment, Lever.WRITER, "", own.cluster.replace("{key}", key)))
        proxy, unread = _try_read(pipeline, Target(environment, Lever.PROXY, "", own.proxy.replace("{key}", key)))
        known = replace(
            known,
            cluster=None if cluster is None else cluster.cluster,
            cluster_unread=dark,
            percent=None if proxy is None else int(proxy.value.partition("/")[0]),
            percent_unread=unread,
        )
    if evidence.promotion_id is None:
        return known
    return replace(known, rollback=_judge_going_back(pipeline, environment))


def _know_concurrency(pipeline: Pipeline, evidence: IncidentEvidence, known: Known) -> Known:
    own = [one for one in evidence.functions.value or () if one.service == evidence.service]
    limits: Concurrency | None = evidence.concurrency.value
    if limits is None and own:
        target = Target(evidence.environment, Lever.RESERVED, own[0].service, own[0].name, "", own[0].logical_id)
        reading, _ = _try_read(pipeline, target)
        limits = None if reading is None else reading.concurrency
    if limits is None or evidence.service is None:
        return known
    return replace(
        known, reserved={evidence.service: limits.reserved}, provisioned={evidence.service: limits.provisioned}
    )


def _try_read(pipeline: Pipeline, target: Target) -> tuple[Reading | None, str]:
    try:
        return lever_of(pipeline.levers(target.environment), target.lever).read(target), ""
    except (TransientError, PermanentError) as error:
        return None, str(error)


def _judge_going_back(pipeline: Pipeline, environment: str) -> tuple[str, str]:
    try:
        plan = plan_rollback(pipeline, environment, None)
    except RefusedError as error:
        return "refused", str(error).partition("\n")[0]
    except (TransientError, PermanentError) as error:
        return "UNKNOWN", str(error).partition("\n")[0]
    return str(plan.safety.safety), f"to {short(plan.target.release)}: {plan.safety.reason}"
