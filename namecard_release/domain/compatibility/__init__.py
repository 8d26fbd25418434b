"""Whether earlier code can live on a schema, judged from the statements that lie between. Parsing is an adapter's.

The names that others use are given here; the modules beside hold the rules, one subject each.
"""

from __future__ import annotations

from namecard_release.domain.compatibility.catalogue import Catalogue, Column, Constraint, Index
from namecard_release.domain.compatibility.judge import judge_changes
from namecard_release.domain.compatibility.verdict import Compatibility, Reason, Safety

__all__ = ["Catalogue", "Column", "Compatibility", "Constraint", "Index", "Reason", "Safety", "judge_changes"]
