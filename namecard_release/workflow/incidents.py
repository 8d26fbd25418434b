"""Alarms become incidents: read, decided about, written. What a reading means and what a step holds is the domain's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from namecard_release.domain.alarms import AlarmReading, AlarmState
from namecard_release.domain.audit import AUTOMATION
from namecard_release.domain.incident import Breach, Fingerprint, Incident, count_services, fingerprint_of, rate
from namecard_release.domain.incident_case import Case, Handling, Step
from namecard_release.domain.incident_cause import find_cause
from namecard_release.domain.incident_steps import end_alarm, join_alarm, open_incident, raise_severity, resolve
from namecard_release.domain.incident_watch import Meaning, explain_recovery, judge_reading
from namecard_release.domain.pushed_alarms import Ground, explain_foreign
from namecard_release.errors import RefusedError, ReleaseError, TransientError
from namecard_release.incident_port import PushedAlarm
from namecard_release.ledger_port import ReleaseLedger
from namecard_release.workflow.pipeline import Pipeline

# Who loses so many races in a row is not racing.
_TRIES = 10
# Ten messages each: a burst is taken up in one look, and a look that never ends would be none.
_MOST_BATCHES = 20


@dataclass(frozen=True)
class Look:
    """What one look at an environment's alarms did, in words; `unread` says what could not be read."""

    environment: str
    done: tuple[str, ...] = ()
    unread: str | None = None


def look_for_incidents(pipeline: Pipeline, environment: str) -> Look:
    """Take up what was pushed, then what is read: open, join, end, raise and resolve incidents.

    What cannot be read opens nothing and resolves nothing.
    """
    done, unread = _take_pushed(pipeline, environment)
    site = pipeline.site(environment)
    try:
        readings = site.cloud.alarms(site.settings.stack_names)
    except ReleaseError as error:
        return Look(environment, done, "; ".join(text for text in (unread, str(error)) if text))
    done += take_readings(pipeline, environment, readings)
    done += _review(pipeline, environment, readings)
    return Look(environment, done, unread)


def _take_pushed(pipeline: Pipeline, environment: str) -> tuple[tuple[str, ...], str | None]:
    queue, source = pipeline.settings.incidents.queues.get(environment), pipeline.site(environment).pushes
    if queue is None or source is None:
        return (), None
    done: tuple[str, ...] = ()
    foreign: list[str] = []
    try:
        for _ in range(_MOST_BATCHES):
            own, left = _sort_out(pipeline, environment, source.receive(queue))
            foreign += left
            if not own:
                break
            done += take_readings(pipeline, environment, [one.reading for one in own])
            # Only now: what the ledger has not taken, the queue delivers again.
            source.delete(queue, [one.receipt for one in own])
    except ReleaseError as error:
        return done, "; ".join([*_left(queue, foreign), str(error)])
    return done, "; ".join(_left(queue, foreign)) or None


def _sort_out(
    pipeline: Pipeline, environment: str, pushed: Sequence[PushedAlarm]
) -> tuple[list[PushedAlarm], list[str]]:
    """Part what is the environment's own from what is not, which is left to the queue's redrive; gives why."""
    ground, now = _ground(pipeline, environment), pipeline.clock.now()
    judged = [(one, explain_foreign(one.reading, ground, now)) for one in pushed]
    return [one for one, why in judged if why is None], [why for _, why in judged if why is not None]


def _ground(pipeline: Pipeline, environment: str) -> Ground:
    own, every = pipeline.settings.environment(environment), pipeline.settings.environments
    others = [name for key, one in every.items() if key != environment for name in one.stack_names]
    return Ground(own.account, own.region, tuple(own.stack_names), tuple(others))


def _left(queue: str, foreign: Sequence[str]) -> list[str]:
    return [f"left in the queue {queue}: {', '.join(dict.fromkeys(foreign))}"] if foreign else []


def take_readings(pipeline: Pipeline, environment: str, readings: Sequence[AlarmReading]) -> tuple[str, ...]:
    """Take up readings of an environment's alarms, in the order of their moments; gives what was done, in words.

    Raises TransientError when the ledger is busy beyond measure.
    """
    last = pipeline.ledger.latest_breaches([reading.arn for reading in readings if reading.arn])
    fresh = [r for r in readings if r.arn and judge_reading(r, last.get(r.arn)) is not Meaning.NOTHING_NEW]
    alarming = [reading.name for reading in readings if reading.state is AlarmState.ALARM]
    told = [_take(pipeline, environment, reading, alarming) for reading in sorted(fresh, key=lambda r: r.since)]
    return tuple(text for text in told if text is not None)


def _take(pipeline: Pipeline, environment: str, reading: AlarmReading, alarming: Sequence[str]) -> str | None:
    for _ in range(_TRIES):
        # Read anew at each try: somebody else may have taken it up in between.
        last = pipeline.ledger.latest_breaches([reading.arn]).get(reading.arn)
        meaning = judge_reading(reading, last)
        if meaning is Meaning.NOTHING_NEW:
            return None
        step = _decide(pipeline, environment, reading, alarming, meaning, last)
        if pipeline.ledger.take_step(step):
            return f"{step.after.id} {step.entries[-1].what}: {step.entries[-1].text}"
    raise TransientError(f"the ledger is too busy to take up {reading.name} of {environment}; it is tried again")


def _decide(
    pipeline: Pipeline,
    environment: str,
    reading: AlarmReading,
    alarming: Sequence[str],
    meaning: Meaning,
    last: Breach | None,
) -> Step:
    now = pipeline.clock.now()
    if meaning is Meaning.ENDED and last is not None:
        return end_alarm(read_case(pipeline.ledger, last.incident), reading, now)
    fingerprint = fingerprint_of(environment, reading.name)
    handling = handling_of(pipeline, fingerprint)
    known = next((one for one in _open(pipeline, environment) if one.fingerprint == fingerprint), None)
    if known is not None:
        step = join_alarm(read_case(pipeline.ledger, known.id), reading, handling, now)
    else:
        severity = rate(fingerprint, _count(pipeline, [*alarming, reading.name]), pipeline.settings.incidents.rules())
        cause = find_cause(reading, pipeline.ledger.history(environment, limit=50), now)
        number = pipeline.ledger.next_incident()
        step = open_incident(number, fingerprint, severity, reading, cause, handling, now)
    if last is not None and last.ended_at is None and last.incident != step.after.id:
        # It belonged to an incident that a person resolved while it was in ALARM.
        step = replace(step, ended=(*step.ended, replace(last, ended_at=reading.since)))
    return step


def _review(pipeline: Pipeline, environment: str, readings: Sequence[AlarmReading]) -> tuple[str, ...]:
    # What is open is looked at again: it may have become worse, and it may be over.
    alarming = [reading.name for reading in readings if reading.state is AlarmState.ALARM]
    by_arn = {reading.arn: reading for reading in readings}
    services, done = _count(pipeline, alarming), []
    for incident in _open(pipeline, environment):
        breaches = pipeline.ledger.breaches([incident.id])
        step = _worsen(pipeline, incident, breaches, services)
        if step is None:
            why = explain_recovery(
                incident, breaches, by_arn, pipeline.clock.now(), pipeline.settings.incidents.resolving()
            )
            step = None if why is None else resolve_case(pipeline, incident, AUTOMATION, why)
        if step is not None and pipeline.ledger.take_step(step):
            done.append(f"{incident.id} {step.entries[-1].what}: {step.entries[-1].text}")
    return tuple(done)


def _worsen(pipeline: Pipeline, incident: Incident, breaches: Sequence[Breach], services: int) -> Step | None:
    severity = rate(incident.fingerprint, services, pipeline.settings.incidents.rules())
    if not severity.is_worse_than(incident.severity) or all(one.ended_at is not None for one in breaches):
        return None
    case, handling = read_case(pipeline.ledger, incident.id), handling_of(pipeline, incident.fingerprint)
    return raise_severity(case, severity, f"{services} services in ALARM", handling, pipeline.clock.now())


def resolve_case(pipeline: Pipeline, incident: Incident, actor: str, reason: str) -> Step | None:
    """Make the step that resolves an incident, its retrospective's day looked up; None when it is resolved already."""
    now, handling = pipeline.clock.now(), handling_of(pipeline, incident.fingerprint)
    due = None
    if incident.severity in handling.policy.retrospective:
        due = pipeline.settings.incidents.retrospective_due(now)
    return resolve(read_case(pipeline.ledger, incident.id), actor, reason, due, handling, now)


def change(ledger: ReleaseLedger, incident_id: str, decide: Callable[[Case], Step | None]) -> Case:
    """Change an incident by what `decide` makes of it as it is now; None changes nothing. Gives the case afterwards.

    Raises RefusedError for an unknown incident, TransientError when the ledger is busy beyond measure.
    """
    for _ in range(_TRIES):
        case = read_case(ledger, incident_id)
        step = decide(case)
        if step is None:
            return case
        if ledger.take_step(step):
            return read_case(ledger, incident_id)
    raise TransientError(f"the ledger is too busy to change {incident_id}; try again")


def read_case(ledger: ReleaseLedger, incident_id: str) -> Case:
    """Read an incident with all that is kept of it. Raises RefusedError for an unknown one."""
    found = ledger.case(incident_id)
    if found is None:
        raise RefusedError(f"there is no incident {incident_id}: see 'namecard-release incident list --all'")
    return found


def handling_of(pipeline: Pipeline, fingerprint: Fingerprint) -> Handling:
    """Give who owns what is wrong and by which clock it goes."""
    return pipeline.settings.incidents.handling(fingerprint.service)


def _open(pipeline: Pipeline, environment: str) -> Iterable[Incident]:
    return (one for one in pipeline.ledger.incidents(environment, unfinished=True) if one.is_open)


def _count(pipeline: Pipeline, alarming: Sequence[str]) -> int:
    return count_services(alarming, pipeline.settings.platform.services)
