"""A deployed environment read and judged against its release. Deploying is in `deploying`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from namecard_release.domain.assembly import Assembly
from namecard_release.domain.gates import Phase, Verdict, combine_phases
from namecard_release.domain.health import Expectation, Reality, judge_probes, judge_reality
from namecard_release.domain.migrations import LedgerRow, MigrationFile, schema_version
from namecard_release.domain.promotion import Promotion, PromotionKind
from namecard_release.errors import TransientError
from namecard_release.workflow.pipeline import Pipeline, Site


@dataclass(frozen=True)
class Deployment:
    """What a deploy left behind: verification and probes phase by phase, the schema's name, the public address."""

    promotion: Promotion
    verification: tuple[Phase, ...]
    probes: tuple[Phase, ...]
    schema: str | None
    base_url: str


def verify_release(
    pipeline: Pipeline, promotion: Promotion, assembly: Assembly, files: tuple[MigrationFile, ...]
) -> Deployment:
    """Read what AWS and the target's ledger hold and how every service answers, and judge both against the release."""
    site = pipeline.site(promotion.environment)
    reality = read_reality(site, assembly)
    expected = Expectation(
        services=pipeline.settings.platform.services,
        files=files,
        outputs=pipeline.settings.platform.outputs,
        ledger_ahead_is_fine=promotion.kind is PromotionKind.ROLLBACK,
    )
    base = find_base_url(site, reality.outputs)
    services = pipeline.settings.platform.services
    probes = () if base is None else pipeline.prober.probe(base, services)
    return Deployment(
        promotion=promotion,
        verification=judge_reality(expected, reality),
        probes=judge_probes(services, promotion.release, probes),
        schema=None if reality.rows is None else schema_version(reality.rows),
        base_url=base or "",
    )


def read_reality(site: Site, assembly: Assembly) -> Reality:
    """Read an environment: function digests, ledger rows, outputs, alarm names."""
    rows: tuple[LedgerRow, ...] | None = None
    unread = ""
    try:
        rows = site.target.rows()
    except TransientError as error:
        unread = str(error)
    stacks = site.settings.stack_names
    return Reality(
        functions=site.cloud.functions(assembly),
        rows=rows,
        outputs=site.cloud.outputs(stacks),
        alarm_names=tuple(reading.name for reading in site.cloud.alarms(stacks)),
        unread=unread,
    )


def find_base_url(site: Site, outputs: Mapping[str, str]) -> str | None:
    """Give the public address with its stage: the configured one, else the stack's output and the physical key."""
    if site.settings.api_url is not None:
        return site.settings.api_url.rstrip("/")
    found = outputs.get(site.settings.api_output)
    return f"{found.rstrip('/')}/{site.settings.key}" if found else None


def judge_deployment(deployment: Deployment) -> tuple[Verdict, str]:
    """Combine verification and probes into one verdict."""
    return combine_phases((*deployment.verification, *deployment.probes))
