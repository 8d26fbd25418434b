"""Whether a promotion has anything left to check that takes long. Nothing is run or recorded here."""

from __future__ import annotations

from namecard_release.domain.evidence import Reuse
from namecard_release.gate_settings import GatePhase
from namecard_release.workflow.assembling import find_kept, gather_inputs
from namecard_release.workflow.gating import RELEASE_GATES
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.remembering import command_inputs, look_back
from namecard_release.workflow.sources import Source, is_ready


def is_remembered(pipeline: Pipeline, environment: str, sha: str) -> bool:
    """Tell whether a release is installed, its assembly kept, and every gate that is about it alone was checked.

    The migration plan is left out: it is another one for each target.
    """
    release = pipeline.repository.resolve(sha)
    folder = pipeline.repository.checkout(release.sha)
    if not is_ready(pipeline, release, folder):
        return False
    source = Source(release, folder)
    if not all(_stands(pipeline, gate, source) for gate in RELEASE_GATES):
        return False
    inputs = gather_inputs(pipeline, pipeline.site(environment), source)
    return find_kept(pipeline, environment, source, inputs) is not None


def _stands(pipeline: Pipeline, gate: str, source: Source) -> bool:
    phases: tuple[GatePhase, ...] = getattr(pipeline.settings.gates, gate)
    inputs = command_inputs(pipeline, gate, source, phases)
    return isinstance(look_back(pipeline, gate, inputs, pipeline.clock.now()), Reuse)
