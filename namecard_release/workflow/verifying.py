"""A deployed environment read and judged against its release. Deploying is in `deploying`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from namecard_release.domain.assembly import Assembly
from namecard_release.domain.gates import Phase, Verdict, combine_phases
from namecard_release.domain.health import Expectation, Reality, judge_probes, judge_reality
from namecard_release.domain.migrations import MigrationFile, schema_version
from namecard_release.domain.promotion import Promotion, PromotionKind, PromotionPhase, bake_end
from namecard_release.errors import ReleaseError
from namecard_release.settings import Environment
from namecard_release.workflow.gating import conclude
from namecard_release.workflow.leasing import Wait
from namecard_release.workflow.pipeline import Pipeline, Site
from namecard_release.workflow.probing import probe_services
from namecard_release.workflow.promoting import stop

T = TypeVar("T")
VERIFICATION_GATE = "verification"
PROBES_GATE = "health_probes"
SCENARIOS_GATE = "api_scenarios"


@dataclass(frozen=True)
class Deployment:
    """What a deploy left behind: verification and probes phase by phase, the schema's name, the public address.

    `scenarios` are the phases of the API scenarios, none where they are not asked for.
    """

    promotion: Promotion
    verification: tuple[Phase, ...]
    probes: tuple[Phase, ...]
    schema: str | None
    base_url: str
    scenarios: tuple[Phase, ...] = ()

    @property
    def phases(self) -> tuple[Phase, ...]:
        """Everything that was verified."""
        return (*self.verification, *self.probes, *self.scenarios)


def verify_release(
    pipeline: Pipeline,
    promotion: Promotion,
    assembly: Assembly,
    files: tuple[MigrationFile, ...],
    wait: Wait | None = None,
) -> Deployment:
    """Read what AWS and the target's ledger hold and how every service answers, and judge both against the release.

    A service that gives no answer is asked again for the environment's `answering_seconds`.
    """
    site = pipeline.site(promotion.environment)
    services = pipeline.settings.platform.services
    # Side by side: the services are cold after a deploy, and a rollback is judged while people wait.
    with ThreadPoolExecutor(2, thread_name_prefix="verify") as pool:
        probing = pool.submit(_probe_services, pipeline, site, promotion.release, wait or threading.Event().wait)
        reality = pool.submit(read_reality, site, assembly).result()
        base, probed = probing.result()
    expected = Expectation(
        services=services,
        files=files,
        outputs=pipeline.settings.platform.outputs,
        ledger_ahead_is_fine=promotion.kind is PromotionKind.ROLLBACK,
    )
    return Deployment(
        promotion=promotion,
        verification=judge_reality(expected, reality),
        probes=probed,
        schema=None if reality.rows is None else schema_version(reality.rows),
        base_url=base or "",
    )


def _probe_services(pipeline: Pipeline, site: Site, release: str, wait: Wait) -> tuple[str | None, tuple[Phase, ...]]:
    """Give the public address and each service's phase; without an address that AWS tells, why there is none."""
    not_read: dict[str, str] = {}
    outputs = _read(lambda: site.cloud.outputs(site.settings.stack_names), "outputs", not_read)
    base = find_base_url(site, outputs or {})
    if base is None and not_read:
        return None, (Phase("address", Verdict.UNKNOWN, f"was not read: {not_read['outputs']}"),)
    services = pipeline.settings.platform.services
    if base is None:
        return None, judge_probes(services, release, ())
    seconds = site.settings.deadlines.answering_seconds
    probes = probe_services(pipeline.prober, base, services, seconds, pipeline.clock.now, wait)
    return base, judge_probes(services, release, probes)


def read_reality(site: Site, assembly: Assembly) -> Reality:
    """Read an environment: function digests, ledger rows, outputs, alarm names; raises nothing for what is not told.

    The code serves by now: a question that nobody answered is no failure of it.
    """
    stacks = site.settings.stack_names
    not_read: dict[str, str] = {}
    rows = _read(site.target.rows, "schema", not_read)
    functions = _read(lambda: site.cloud.functions(assembly), "code", not_read)
    outputs = _read(lambda: site.cloud.outputs(stacks), "outputs", not_read)
    alarms = _read(lambda: site.cloud.alarms(stacks), "alarms", not_read)
    return Reality(
        functions=functions or (),
        rows=rows,
        outputs=outputs or {},
        alarm_names=tuple(reading.name for reading in alarms or ()),
        unread=not_read.pop("schema", ""),
        not_read=not_read,
    )


def _read(ask: Callable[[], T], part: str, not_read: dict[str, str]) -> T | None:
    try:
        return ask()
    except ReleaseError as error:
        not_read[part] = str(error)
        return None


def find_base_url(site: Site, outputs: Mapping[str, str]) -> str | None:
    """Give the public address with its stage: the configured one, else the stack's output and the physical key."""
    return base_url_of(site.settings, outputs)


def base_url_of(environment: Environment, outputs: Mapping[str, str]) -> str | None:
    """Give the same of an environment's settings."""
    if environment.api_url is not None:
        return environment.api_url.rstrip("/")
    found = outputs.get(environment.api_output)
    return f"{found.rstrip('/')}/{environment.key}" if found else None


def record_probes(pipeline: Pipeline, deployment: Deployment, run_id: str) -> None:
    """Record verification, probes and scenarios as gate results of the promotion, for the watch and for people."""
    promotion = deployment.promotion
    started = promotion.deployed_at or pipeline.clock.now()
    recorded = [(VERIFICATION_GATE, deployment.verification), (PROBES_GATE, deployment.probes)]
    if deployment.scenarios:
        recorded.append((SCENARIOS_GATE, deployment.scenarios))
    for gate, phases in recorded:
        evidence = {"promotion": promotion.id}
        conclude(pipeline, gate, promotion.release, phases, started, run_id, evidence, promotion.environment)


def conclude_deployment(pipeline: Pipeline, deployment: Deployment, run_id: str) -> Promotion:
    """Let a verified and healthy promotion bake, and end any other: FAILED for what is wrong, HELD for what is unread.

    Raises StoppedError in both those cases.
    """
    promotion = deployment.promotion
    record_probes(pipeline, deployment, run_id)
    verdict, reason = combine_phases(deployment.phases)
    if verdict is Verdict.FAILED:
        stop(pipeline, promotion.id, PromotionPhase.FAILED, reason)
    if verdict is not Verdict.PASSED:
        stop(pipeline, promotion.id, PromotionPhase.HELD, reason)
    now = pipeline.clock.now()
    seconds = pipeline.settings.environment(promotion.environment).bake_seconds
    return pipeline.ledger.move(
        promotion.id,
        PromotionPhase.BAKING,
        now,
        verified=True,
        schema_version=deployment.schema,
        bake_until=bake_end(now, seconds),
    )
