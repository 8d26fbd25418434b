"""An environment's readiness signals read and judged one by one. What to do about them is a person's."""

from __future__ import annotations

from collections.abc import Callable

from namecard_release.domain.gates import Phase, Verdict, combine_phases
from namecard_release.domain.health import judge_probes
from namecard_release.domain.heartbeats import ALARM_SENSOR, judge_seen
from namecard_release.domain.migrations import plan_migrations
from namecard_release.domain.readiness import judge_alarm_states, judge_stacks
from namecard_release.domain.status import describe_environment
from namecard_release.errors import ReleaseError
from namecard_release.workflow.delivering import Post, judge_channels
from namecard_release.workflow.drifting import check_drift
from namecard_release.workflow.pipeline import Pipeline, Site
from namecard_release.workflow.verifying import find_base_url

_CODE = ("ledger", "assembly", "code", "aliases")


def check_readiness(pipeline: Pipeline, environment: str) -> tuple[Phase, ...]:
    """Check an environment: stacks settled, alarms quiet and watched, people reached, schema as the running release
    left it, services answering.

    A signal that cannot be read is UNKNOWN with its reason and does not hide the others.
    """
    site = pipeline.site(environment)
    running = describe_environment(environment, pipeline.ledger.standing(environment), ()).release
    return (
        _read("stacks", lambda: judge_stacks(site.cloud.stack_statuses(site.settings.stack_names))),
        _read("alarm sensor", lambda: judge_alarm_sensor(pipeline)),
        *_judge_channels(pipeline),
        _read("alarms", lambda: judge_alarm_states(site.cloud.alarms(site.settings.stack_names))),
        _read("code", lambda: _judge_drift(pipeline, environment)),
        _read("schema", lambda: _judge_schema(pipeline, site, running)),
        _read("probes", lambda: _judge_services(pipeline, site, running)),
    )


def judge_alarm_sensor(pipeline: Pipeline) -> Phase:
    """Judge whether the alarm sensor still looks; one that was not seen for too long is UNKNOWN."""
    seen = pipeline.ledger.last_beat(ALARM_SENSOR)
    limit = pipeline.settings.dagster.silent_after_seconds
    return judge_seen(ALARM_SENSOR, seen, pipeline.clock.now(), limit)


def _judge_channels(pipeline: Pipeline) -> tuple[Phase, ...]:
    post = Post(pipeline.outbox, pipeline.senders, pipeline.clock.now)
    try:
        return judge_channels(post)
    except ReleaseError as error:
        return (Phase("channels", Verdict.UNKNOWN, f"unread: {error}"),)


def _read(name: str, judge: Callable[[], Phase]) -> Phase:
    try:
        return judge()
    except ReleaseError as error:
        return Phase(name, Verdict.UNKNOWN, f"unread: {error}")


def _judge_drift(pipeline: Pipeline, environment: str) -> Phase:
    # CloudFormation's own comparison takes minutes: that is `drift_job`'s.
    report = check_drift(pipeline, environment, detect=False)
    verdict, reason = combine_phases([phase for phase in report.phases if phase.name in _CODE])
    return Phase("code", verdict, reason)


def _judge_schema(pipeline: Pipeline, site: Site, running: str | None) -> Phase:
    if running is None:
        return Phase("schema", Verdict.UNKNOWN, "no release is known to run here")
    plan = plan_migrations(pipeline.repository.migration_files(running), site.target.rows(), ledger_ahead_is_fine=True)
    if plan.verdict is Verdict.PASSED and plan.pending:
        return Phase("schema", Verdict.FAILED, f"the running release is not fully applied: {', '.join(plan.pending)}")
    return Phase("schema", plan.verdict, plan.reason)


def _judge_services(pipeline: Pipeline, site: Site, running: str | None) -> Phase:
    base = find_base_url(site, site.cloud.outputs(site.settings.stack_names))
    if base is None:
        return Phase("probes", Verdict.UNKNOWN, "no public address is known")
    services = pipeline.settings.platform.services
    verdict, reason = combine_phases(judge_probes(services, running, pipeline.prober.probe(base, services)))
    return Phase("probes", verdict, reason)
