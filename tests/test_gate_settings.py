"""The gates' policies in the settings file: what is refused, and what stands where nothing is given."""

from __future__ import annotations

from pathlib import Path

import pytest

from namecard_release.domain.evidence import Policy
from namecard_release.settings import load_settings
from tests.test_settings import SMALL, refusal, write


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "[gates.policy.typo]\nreuse = true\n",
            "no such gate: typo; there are api_scenarios, assembly, launch_readiness",
        ),
        ("[gates.policy.quality]\nmax_age_seconds = 0\n", "gates.policy.quality.max_age_seconds"),
        ("[gates.policy.quality]\nmax_age = 5\n", "gates.policy.quality.max_age"),
        ("[gates]\nlongest_waiver_seconds = -1\n", "gates.longest_waiver_seconds"),
    ],
)
def test_a_wrong_policy_is_refused(tmp_path: Path, text: str, told: str) -> None:
    assert told in refusal(write(tmp_path, SMALL + text))


def test_a_policy_replaces_what_it_names_and_keeps_the_gates_own_defaults(tmp_path: Path) -> None:
    text = "[gates.policy.quality]\nwaivable = false\n[gates.policy.assembly]\nmax_age_seconds = 60\n"
    gates = load_settings(write(tmp_path, SMALL + text)).gates
    assert gates.policy_of("quality") == Policy(7 * 86_400, waivable=False)
    assert gates.policy_of("assembly") == Policy(60, waivable=False)
    assert gates.policy_of("migration_plan") == Policy(900, waivable=False)
