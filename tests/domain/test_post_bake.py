"""How long a release is watched after its bake, and how that is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from namecard_release.domain.alarms import AlarmAction
from namecard_release.domain.post_bake import PostBakePolicy, describe_watch, is_watched, watched_until
from namecard_release.domain.promotion import Promotion, PromotionPhase
from namecard_release.domain.rollback import Action, Decision
from tests.domain.cases import C, at, promotion

HOUR = PostBakePolicy(timedelta(hours=1))
DONE = replace(promotion(C), ended_at=at(60))


@pytest.mark.parametrize(
    ("given", "policy", "seconds", "watched"),
    [
        pytest.param(DONE, HOUR, 60, True, id="from the end of the bake"),
        pytest.param(DONE, HOUR, 3659, True, id="to the last second"),
        pytest.param(DONE, HOUR, 3660, False, id="and no longer"),
        pytest.param(DONE, PostBakePolicy(timedelta()), 60, False, id="no hours"),
        pytest.param(replace(DONE, code_changed=False), HOUR, 60, False, id="its code does not serve"),
        pytest.param(replace(DONE, ended_at=None), HOUR, 60, False, id="no end is known"),
        *(
            pytest.param(replace(DONE, phase=phase), HOUR, 60, False, id=f"{phase}")
            for phase in PromotionPhase
            if phase is not PromotionPhase.SUCCEEDED
        ),
    ],
)
def test_a_release_that_succeeded_is_watched_for_the_policys_hours(
    given: Promotion, policy: PostBakePolicy, seconds: float, watched: bool
) -> None:
    assert is_watched(given, policy, at(seconds)) is watched
    assert (watched_until(given, policy) is not None) >= watched


def test_the_watch_is_told_with_its_end_or_with_what_it_decided() -> None:
    halted = Decision(Action.HALT, "errors")
    policy = PostBakePolicy(timedelta(hours=1), AlarmAction.ROLL_BACK)
    told = describe_watch(DONE, policy, None, at(60))
    assert told == "watched until 2026-03-02 10:01 UTC, a breach asks for roll back"
    assert describe_watch(DONE, policy, halted, at(9000)) == "after its bake HALT: errors"
    assert describe_watch(DONE, policy, None, at(9000)) is None
    assert describe_watch(replace(DONE, phase=PromotionPhase.ROLLED_BACK), policy, halted, at(60)) is None
