"""The `[triage]` section of the settings: rules for causes, dependencies of services, bounds, where pictures are kept.

The default rules are the domain's; what is done with any of it does not belong here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from namecard_release.domain.causes import DEFAULT_RULES, Cause, CauseRule
from namecard_release.gate_settings import Model, Name


def _check_pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"no regular expression: {error}") from error
    return text


Pattern = Annotated[str, AfterValidator(_check_pattern)]
# Runbook 5.4: "confirm downstream dependencies (RDS, Textract, enrichment providers)".
_DEPENDENCIES: Mapping[str, tuple[str, ...]] = {
    "auth": ("RDS",),
    "cards": ("RDS",),
    "ocr": ("Textract", "RDS"),
    "enrichment": ("enrichment providers", "RDS"),
    "uploads": ("S3", "RDS"),
    "search": ("RDS",),
}


class TriageRule(Model):
    """A failure whose error name or message matches (both are searched, without regard to case) points to `cause`."""

    cause: Cause
    error: Pattern = ""
    message: Pattern = ""
    service: Name | None = None

    @model_validator(mode="after")
    def _one_pattern(self) -> Self:
        if not self.error and not self.message:
            raise ValueError("give error or message")
        return self


class TriageSettings(Model):
    """How logs are triaged. `rules` are tried before the built-in ones; `dependencies` replaces those it names.

    `reader` is how log groups are read: `filter` (FilterLogEvents, every event) or `insights` (Logs Insights, failed
    invocations alone, at most 10,000). `most_events` and `most_seconds` bound the reading of one group. `evidence` is a
    folder or `s3://bucket/prefix` for pictures; without it, `evidence` beside the assemblies.
    """

    rules: tuple[TriageRule, ...] = ()
    dependencies: Mapping[Name, tuple[str, ...]] = {}
    reader: str = Field(default="filter", pattern="^(filter|insights)$")
    most_events: int = Field(default=200_000, gt=0)
    most_seconds: float = Field(default=20.0, gt=0)
    evidence: str | None = Field(default=None, min_length=1)

    def cause_rules(self) -> tuple[CauseRule, ...]:
        """Give the rules in the order in which they are tried."""
        own = (CauseRule(rule.cause, rule.error, rule.message, rule.service) for rule in self.rules)
        return (*own, *DEFAULT_RULES)

    def dependencies_of(self) -> dict[str, tuple[str, ...]]:
        """Give what each service depends on."""
        return {**_DEPENDENCIES, **self.dependencies}

    def anchored(self, folder: Path) -> Self:
        """Give these settings with a relative folder for evidence taken as relative to the settings file's."""
        if self.evidence is None or "://" in self.evidence:
            return self
        return self.model_copy(update={"evidence": str(folder / self.evidence)})
