"""Whether earlier code can live on a schema, judged from the statements that lie between. Parsing is an adapter's.

The names that others use are given here; the modules beside hold the rules, one subject each. The judge is loaded when
it is first asked for: most who speak of verdicts judge nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from namecard_release.domain.compatibility.catalogue import Catalogue, Column, Constraint, Index
from namecard_release.domain.compatibility.verdict import Compatibility, Reason, Safety

if TYPE_CHECKING:
    from namecard_release.domain.compatibility.judge import judge_changes

__all__ = ["Catalogue", "Column", "Compatibility", "Constraint", "Index", "Reason", "Safety", "judge_changes"]


def __getattr__(name: str) -> object:
    if name != "judge_changes":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from namecard_release.domain.compatibility.judge import judge_changes

    return judge_changes
