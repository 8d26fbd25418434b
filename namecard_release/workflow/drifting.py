"""An environment read and compared with what the ledger says runs there. What differs is shown; nothing is changed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from namecard_release.domain.assembly import Assembly
from namecard_release.domain.drift import (
    DriftReport,
    Observed,
    judge_drift,
    names_of,
)
from namecard_release.domain.gates import Phase, Verdict, combine_phases
from namecard_release.domain.mitigations import IN_FORCE
from namecard_release.domain.promotion import Promotion, PromotionPhase
from namecard_release.domain.release import short
from namecard_release.domain.status import find_serving
from namecard_release.errors import PermanentError, RefusedError, TransientError
from namecard_release.workflow.pipeline import Pipeline, Site

T = TypeVar("T")
_CHANGING = frozenset({PromotionPhase.DEPLOYING, PromotionPhase.VERIFYING})


def check_drift(pipeline: Pipeline, environment: str, *, detect: bool = True) -> DriftReport:
    """Compare what runs with the ledger's release; CloudFormation is asked for its own drift only with `detect`.

    UNKNOWN while a promotion changes the environment, before there is a release, and for every part that cannot be
    read. Raises TransientError when the ledger does not answer.
    """
    site = pipeline.site(environment)
    history = pipeline.ledger.standing(environment)
    serving = find_serving(history)
    unknown = _explain_unknown(environment, history, serving)
    if serving is None or unknown is not None:
        phase = Phase("ledger", Verdict.UNKNOWN, unknown or "nothing runs")
        release, promotion = (None, None) if serving is None else (serving.release, serving.id)
        return DriftReport(environment, release, promotion, (phase,))
    try:
        assembly = pipeline.store.get(serving.assembly or "")
    except (PermanentError, TransientError) as error:
        phase = Phase("assembly", Verdict.UNKNOWN, f"unread: {error}")
        return DriftReport(environment, serving.release, serving.id, (phase,))
    observed = _observe(site, assembly, detect=detect)
    mitigations = pipeline.ledger.mitigations(environment, IN_FORCE)
    services = pipeline.settings.platform.services
    return judge_drift(environment, serving.release, serving.id, services, observed, mitigations)


def _explain_unknown(environment: str, history: tuple[Promotion, ...], serving: Promotion | None) -> str | None:
    moving = next((p for p in history if p.phase in _CHANGING), None)
    if moving is not None:
        return f"{moving.id} is {moving.phase}: {environment} is being changed"
    return f"the ledger knows of no release in {environment}" if serving is None else None


def _observe(site: Site, assembly: Assembly, *, detect: bool) -> Observed:
    stacks, (queue, board) = site.settings.stack_names, names_of(site.settings.key)
    unread: dict[str, str] = {}

    def read(section: str, ask: Callable[[], T]) -> T | None:
        try:
            return ask()
        except (TransientError, PermanentError) as error:
            unread[section] = str(error)
            return None

    with ThreadPoolExecutor(5, thread_name_prefix="drift") as pool:
        serving = pool.submit(read, "serving", lambda: site.switch.read(assembly, stacks))
        alarms = pool.submit(read, "alarms", lambda: site.cloud.alarms(stacks))
        dead_letters = pool.submit(read, "dead-letter queue", lambda: site.drift.queue_exists(queue))
        dashboard = pool.submit(read, "dashboard", lambda: site.drift.dashboard_exists(board))
        detected = tuple(pool.map(site.drift.detect, stacks)) if detect else None
        return Observed(serving.result(), alarms.result(), dead_letters.result(), dashboard.result(), detected, unread)


def refuse_drift(pipeline: Pipeline, promotion: Promotion) -> DriftReport | None:
    """Refuse a promotion into an environment that drifted, where its policy says so; None where it does not look.

    An emergency (a promotion that overrides a freeze) goes on, and so does what is UNKNOWN: that is shown. Raises
    RefusedError, and nothing for a rollback, which never asks.
    """
    if not pipeline.settings.environment(promotion.environment).drift_blocks:
        return None
    report = check_drift(pipeline, promotion.environment, detect=False)
    verdict, reason = combine_phases(report.phases)
    if verdict is not Verdict.FAILED or promotion.freeze_override is not None:
        return report
    raise RefusedError(
        f"{promotion.environment} is not as {short(report.release or '-')} left it: {reason}\n"
        f"see 'namecard-release drift --env {promotion.environment}'; "
        "promote that release again, or set drift_blocks = false"
    )
