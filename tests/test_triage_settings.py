"""The `[triage]` section: rules before the built-in ones, dependencies over the defaults, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from namecard_release.domain.causes import DEFAULT_RULES, Cause
from namecard_release.triage_settings import TriageRule, TriageSettings


def test_own_rules_come_first_and_dependencies_replace_those_named() -> None:
    rule = TriageRule(cause=Cause.DEPENDENCY, message="clearbit", service="enrichment")
    settings = TriageSettings(rules=(rule,), dependencies={"ocr": ("Tesseract",)})
    rules = settings.cause_rules()
    assert rules[1:] == DEFAULT_RULES and (rules[0].cause, rules[0].service) == (Cause.DEPENDENCY, "enrichment")
    told = settings.dependencies_of()
    assert (told["ocr"], told["cards"]) == (("Tesseract",), ("RDS",))


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"rules": [{"cause": "code_defect"}]}, "give error or message"),
        ({"rules": [{"cause": "code_defect", "error": "("}]}, "no regular expression"),
        ({"rules": [{"cause": "bad luck", "error": "x"}]}, "Input should be"),
        ({"reader": "guess"}, "String should match pattern"),
        ({"most_events": 0}, "greater than 0"),
        ({"evidence": ""}, "at least 1 character"),
    ],
)
def test_what_is_refused(section: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        TriageSettings.model_validate(section)


@pytest.mark.parametrize(
    ("given", "anchored"),
    [(None, None), ("s3://b/p", "s3://b/p"), ("pictures", "/etc/x/pictures"), ("/var/e", "/var/e")],
)
def test_a_folder_is_relative_to_the_file(given: str | None, anchored: str | None) -> None:
    assert TriageSettings(evidence=given).anchored(Path("/etc/x")).evidence == anchored
