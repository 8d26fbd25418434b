"""The platform's API scenarios run against a deployed environment, where its settings ask for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from namecard_release.domain.gates import Phase, Verdict, combine_phases
from namecard_release.errors import ReleaseError
from namecard_release.gate_settings import GatePhase
from namecard_release.ports import LineSink
from namecard_release.workflow.checks import run_in_order
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.sources import ready_source
from namecard_release.workflow.verifying import Deployment


def run_scenarios(pipeline: Pipeline, deployment: Deployment, on_line: LineSink) -> Deployment:
    """Run the scenarios over the public address, after a verification that passed; gives the deployment with them.

    Where the environment does not ask for them nothing runs. They are not run on an environment that is wrong or
    unread already: its verdict stands, and a rollback must not wait for them.
    """
    promotion = deployment.promotion
    if not pipeline.settings.environment(promotion.environment).api_scenarios:
        return deployment
    phases = pipeline.settings.gates.api_scenarios
    verdict, _ = combine_phases((*deployment.verification, *deployment.probes))
    if verdict is not Verdict.PASSED:
        return replace(deployment, scenarios=_not_run(phases, "not run after the verification"))
    try:
        folder = ready_source(pipeline, promotion.release, on_line).folder
    except ReleaseError as error:
        return replace(deployment, scenarios=_not_run(phases, f"not run: {error}"))
    done = run_in_order(pipeline.runner, _addressed(phases, deployment.base_url), folder, on_line)
    return replace(deployment, scenarios=done)


def _not_run(phases: Sequence[GatePhase], why: str) -> tuple[Phase, ...]:
    return tuple(Phase(phase.name, Verdict.UNKNOWN, why) for phase in phases)


def _addressed(phases: Sequence[GatePhase], base_url: str) -> tuple[GatePhase, ...]:
    return tuple(
        phase.model_copy(update={"argv": tuple(word.replace("{base_url}", base_url) for word in phase.argv)})
        for phase in phases
    )
