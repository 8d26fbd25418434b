"""What runs where, told from the history of an environment."""

from __future__ import annotations

from dataclasses import replace

import pytest

from namecard_release.domain.promotion import IN_FLIGHT, Hold, Promotion, PromotionPhase
from namecard_release.domain.status import describe_environment
from tests.domain.cases import T0, A, B, C, at, promotion, rollback

P = PromotionPhase
FAILED_EARLY = replace(promotion(C, P.FAILED, 300), code_changed=False, deployed_at=None)


@pytest.mark.parametrize(
    ("history", "serving"),
    [
        pytest.param((), None, id="nothing was ever promoted"),
        pytest.param((promotion(A),), (A, P.SUCCEEDED), id="one"),
        pytest.param((promotion(B, when=60), promotion(A)), (B, P.SUCCEEDED), id="newest listed first"),
        pytest.param((promotion(A), promotion(B, when=60)), (B, P.SUCCEEDED), id="newest listed last"),
        pytest.param((promotion(B, P.BAKING, 60), promotion(A)), (B, P.BAKING), id="a bake serves"),
        pytest.param((promotion(B, P.VERIFYING, 60), promotion(A)), (B, P.VERIFYING), id="unverified serves too"),
        pytest.param((promotion(B, P.FAILED, 60), promotion(A)), (B, P.FAILED), id="failed after its deploy"),
        pytest.param((promotion(B, P.HELD, 60), promotion(A)), (B, P.HELD), id="held after its deploy"),
        pytest.param((promotion(B, P.ABORTED, 60), promotion(A)), (B, P.ABORTED), id="aborted after its deploy"),
        pytest.param((FAILED_EARLY, promotion(A)), (A, P.SUCCEEDED), id="failed before its deploy"),
        pytest.param((FAILED_EARLY,), None, id="only one, and it failed before its deploy"),
        pytest.param(
            (rollback(B, 120), promotion(C, P.ROLLED_BACK, 60), promotion(B)), (B, P.SUCCEEDED), id="rolled back"
        ),
        pytest.param(
            (promotion(C, P.ROLLED_BACK, 60), promotion(B)), (B, P.SUCCEEDED), id="rolled back, by whom is lost"
        ),
        pytest.param(
            (rollback(B, 120, P.FAILED), promotion(C, P.FAILED, 60), promotion(B)), (B, P.FAILED), id="rollback failed"
        ),
        pytest.param(
            (promotion(C, P.BAKING, 120), promotion(B, P.SUPERSEDED, 60), promotion(A)), (C, P.BAKING), id="superseded"
        ),
        # When the newer request was deployed first, the one deployed last serves.
        pytest.param(
            (promotion(B, when=60), replace(promotion(A), deployed_at=at(90))), (A, P.SUCCEEDED), id="deployed last"
        ),
        pytest.param(
            (promotion(B, when=60), replace(promotion(A), deployed_at=None)), (B, P.SUCCEEDED), id="without a moment"
        ),
        pytest.param((promotion(B), promotion(A)), (B, P.SUCCEEDED), id="same moment: the history's first"),
        pytest.param((replace(promotion(A), environment="prod"),), None, id="another environment"),
    ],
)
def test_the_newest_deployed_code_that_was_not_rolled_back_serves(
    history: tuple[Promotion, ...], serving: tuple[str, PromotionPhase] | None
) -> None:
    found = describe_environment("staging", history, ())
    assert (found.release, found.phase) == (serving or (None, None))


def test_it_tells_since_when_by_whom_why_and_on_which_schema() -> None:
    found = describe_environment("staging", (replace(rollback(B, 60), actor="sensor", reason="alarm"),), ())
    assert (found.environment, found.since, found.actor, found.reason) == ("staging", at(60), "sensor", "alarm")
    assert (found.schema_version, found.in_flight, found.held) == (promotion().schema_version, None, ())


def test_an_empty_environment_tells_nothing() -> None:
    found = describe_environment("staging", (), ())
    assert (found.since, found.actor, found.reason, found.schema_version, found.in_flight) == (None,) * 5


@pytest.mark.parametrize("phase", list(PromotionPhase))
def test_what_is_under_way_is_in_flight(phase: PromotionPhase) -> None:
    one = replace(promotion(B, phase, 60), code_changed=False)
    found = describe_environment("staging", (one, promotion(A)), ())
    assert (found.in_flight == one) is (phase in IN_FLIGHT)
    assert found.release == A


def test_the_newest_request_in_flight_is_told() -> None:
    older, newer = promotion(A, P.BAKING, 0), replace(promotion(B, P.DEPLOYING, 60), code_changed=False)
    found = describe_environment("staging", (older, newer), ())
    assert (found.in_flight, found.release) == (newer, A)


@pytest.mark.parametrize(
    ("holds", "held"),
    [
        ((), ()),
        ((Hold("staging", C, "bad", "ada", T0), Hold("staging", A, "bad", "ada", T0)), (A, C)),
        ((Hold("staging", C, "bad", "ada", T0), Hold("staging", C, "bad", "ada", at(9))), (C,)),
        ((Hold("prod", C, "bad", "ada", T0),), ()),
        ((Hold("staging", C, "bad", "ada", T0, at(9), "bob"),), ()),
    ],
)
def test_open_holds_of_the_environment_are_told(holds: tuple[Hold, ...], held: tuple[str, ...]) -> None:
    assert describe_environment("staging", (), holds).held == held
