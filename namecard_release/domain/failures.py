"""One thing that failed, and how it is told. Reading it from what the platform's commands print is in
`failure_reading`; what a failure means for a gate is in `gates`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    """One thing that failed: its package (empty when none was told), file with line, and what, each maybe empty."""

    package: str
    place: str
    what: str


def tell_failures(phase: str, failures: tuple[Failure, ...]) -> str:
    """Tell the first failure of a phase in a line, and how many more there are; nothing for none."""
    if not failures:
        return ""
    first = failures[0]
    told = f"{first.place} {first.what}".strip()
    where = f"{first.package} {phase}: {told}" if first.package else told
    return f"{where} (and {len(failures) - 1} more)" if len(failures) > 1 else where
