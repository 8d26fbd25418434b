"""The assemblies of the environments that come next, synthesised along with this one's. It never fails a gate."""

from __future__ import annotations

from namecard_release.domain.gates import Phase, Verdict
from namecard_release.errors import ReleaseError
from namecard_release.ports import LineSink
from namecard_release.workflow.assembling import build_assembly
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.sources import Source


def synthesise_ahead(
    pipeline: Pipeline, environment: str, source: Source, run_id: str, on_line: LineSink
) -> tuple[Phase, ...]:
    """Build the assemblies of every environment that a release enters after this one, one phase each.

    Each result is recorded as that environment's gate, so that its promotion finds it; what went wrong is told only.
    """
    if not pipeline.settings.platform.synthesise_ahead:
        return ()
    names = pipeline.settings.following(environment)
    return tuple(_synthesise(pipeline, name, source, run_id, on_line) for name in names)


def _synthesise(pipeline: Pipeline, name: str, source: Source, run_id: str, on_line: LineSink) -> Phase:
    try:
        result = build_assembly(pipeline, name, source, run_id, on_line).result
    except ReleaseError as error:
        return Phase(name, Verdict.UNKNOWN, str(error))
    return Phase(name, result.verdict, result.reason, result.seconds)
