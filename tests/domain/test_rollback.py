"""Where one may go back to, whether the schema allows it, and what is decided about a promotion."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from namecard_release.domain.alarms import AlarmAction, AlarmAssessment, AlarmState, AlarmVerdict
from namecard_release.domain.compatibility import Safety
from namecard_release.domain.gates import Verdict
from namecard_release.domain.promotion import Promotion, PromotionKind, PromotionPhase
from namecard_release.domain.roll_forward import RollForward
from namecard_release.domain.rollback import (
    Action,
    Decision,
    Watched,
    decide,
    find_last_good,
)
from namecard_release.domain.safety import SafetyVerdict
from tests.domain.cases import A, B, C, at, promotion, reading, rollback

P = PromotionPhase
GOOD_A, GOOD_B = promotion(A), promotion(B, when=60)


@pytest.mark.parametrize(
    ("history", "found"),
    [
        pytest.param((), None, id="no history"),
        pytest.param((GOOD_A,), GOOD_A, id="one"),
        pytest.param((GOOD_B, GOOD_A), GOOD_B, id="the newest, listed first"),
        pytest.param((GOOD_A, GOOD_B), GOOD_B, id="the newest, listed last"),
        pytest.param((promotion(C, when=90), GOOD_A), GOOD_A, id="never the release itself"),
        pytest.param((promotion(C, when=90),), None, id="only the release itself"),
        pytest.param((replace(GOOD_A, environment="prod"),), None, id="another environment"),
        *(
            pytest.param((replace(GOOD_B, phase=phase), GOOD_A), GOOD_A, id=f"not {phase}")
            for phase in PromotionPhase
            if phase is not P.SUCCEEDED
        ),
        pytest.param((replace(GOOD_B, verified=False), GOOD_A), GOOD_A, id="not verified"),
        pytest.param((replace(GOOD_B, assembly=None), GOOD_A), GOOD_A, id="no assembly"),
        pytest.param((replace(GOOD_B, kind=PromotionKind.HOTFIX_MIGRATION), GOOD_A), GOOD_A, id="hotfix migration"),
        pytest.param((rollback(A, 90), GOOD_B, GOOD_A), rollback(A, 90), id="a rollback was verified too"),
        pytest.param((promotion(B, P.ROLLED_BACK, 90), GOOD_B, GOOD_A), GOOD_A, id="rolled back since"),
        pytest.param((promotion(B, P.ROLLED_BACK, 30), GOOD_B, GOOD_A), GOOD_B, id="rolled back before, good since"),
        pytest.param((rollback(B, 90, P.ROLLED_BACK), GOOD_B, GOOD_A), GOOD_A, id="a rollback onto it was left again"),
        pytest.param(
            (replace(promotion(B, P.ROLLED_BACK, 90), environment="prod"), GOOD_B), GOOD_B, id="rolled back elsewhere"
        ),
        pytest.param((promotion(A, P.FAILED, 90), GOOD_A), GOOD_A, id="failed since: its code was good"),
        pytest.param((GOOD_B, replace(GOOD_A, deployed_at=at(99))), replace(GOOD_A, deployed_at=at(99)), id="deployed"),
        pytest.param(
            (GOOD_B, replace(GOOD_A, deployed_at=None, updated_at=at(99))),
            replace(GOOD_A, deployed_at=None, updated_at=at(99)),
            id="without a moment of deploy",
        ),
        pytest.param((replace(GOOD_B, deployed_at=at(0)), GOOD_A), replace(GOOD_B, deployed_at=at(0)), id="a tie"),
    ],
)
def test_the_last_good_release_is_the_newest_that_was_verified(
    history: tuple[Promotion, ...], found: Promotion | None
) -> None:
    assert find_last_good(history, "staging", C) == found


ERRORS = reading("AuthServiceErrorsAlarm", AlarmState.ALARM, 10)
DLQ = reading("LambdaDeadLetterQueueAlarm", AlarmState.ALARM, 10)
QUIET = AlarmAssessment(AlarmVerdict.HEALTHY, "all quiet")
DARK = AlarmAssessment(AlarmVerdict.UNKNOWN, "alarms unread: throttled")
BREACH = AlarmAssessment(AlarmVerdict.BREACHED, "errors", (ERRORS,))
PAGE = AlarmAssessment(AlarmVerdict.HEALTHY, "dlq", (), (DLQ,))
RISING = AlarmAssessment(AlarmVerdict.UNKNOWN, "not yet sustained", rising=(ERRORS,))
BOTH = AlarmAssessment(AlarmVerdict.BREACHED, "errors, dlq", (ERRORS,), (DLQ,))
SAFE = SafetyVerdict(Safety.SAFE, "no migration lies between")
# Deployed at T0, baking until 60 s after it.
BAKING = promotion(C, P.BAKING)
WATCHED = Watched(BAKING, QUIET, Verdict.PASSED, GOOD_B, SAFE, decided=False)
EARLY, END, LATE = at(30), at(60), at(61)


def case(
    action: Action, words: str, now: datetime = EARLY, watched: Watched = WATCHED, **changes: object
) -> tuple[Action, str, datetime, Watched]:
    """Make a row of the table: what is expected, when, and what differs from a healthy bake."""
    return action, words, now, replace(watched, **changes)  # type: ignore[arg-type]


def stands(phase: PromotionPhase) -> Promotion:
    """Give the promotion in another phase."""
    return replace(BAKING, phase=phase)


UNSAFE = SafetyVerdict(Safety.UNSAFE, "a column was dropped")
UNSAFE_WITH_PLAN = replace(UNSAFE, roll_forward=RollForward("roll forward: fix it", ()))
ADDITIVE = SafetyVerdict(Safety.SAFE, "it can live with add-title", ("add-title",))
DUMB = SafetyVerdict(Safety.UNKNOWN, "no answer", unread=True)
UNSURE = SafetyVerdict(Safety.UNKNOWN, "nobody tried")
A_ROLLBACK = rollback(B, 0, P.BAKING)
DONE = stands(P.SUCCEEDED)
WAIT, PROCEED, ROLL_BACK, HALT = Action.WAIT, Action.PROCEED, Action.ROLL_BACK, Action.HALT

TABLE = {
    # A healthy bake.
    "baking": case(WAIT, "baking, 30 s left: all quiet"),
    "a moment before the end": case(WAIT, "left", at(59.999)),
    "the end exactly": case(PROCEED, "bake ended: all quiet", END),
    "after the end": case(PROCEED, "bake ended", LATE),
    "no bake at all": case(PROCEED, "bake ended", at(0), promotion=replace(BAKING, bake_until=at(0))),
    "no end is known": case(WAIT, "not baking", LATE, promotion=replace(BAKING, bake_until=None)),
    "a rollback's bake ends": case(PROCEED, "bake ended", LATE, promotion=A_ROLLBACK),
    # Unread is not healthy.
    "alarms unknown": case(WAIT, "alarms unknown: alarms unread", assessment=DARK),
    "alarms unknown at the end": case(WAIT, "alarms unknown", LATE, assessment=DARK),
    "alarms unknown a moment before the deadline": case(WAIT, "alarms unknown", at(659), assessment=DARK),
    "alarms unknown at the deadline": case(HALT, "600 s after the bake, alarms unknown", at(660), assessment=DARK),
    "probes unknown at the deadline": case(HALT, "health was not read", at(660), health=Verdict.UNKNOWN),
    "read at the deadline": case(PROCEED, "bake ended", at(660)),
    "another deadline": case(HALT, "5 s after", at(65), assessment=DARK, unknown_deadline_seconds=5.0),
    "probes unknown at the end": case(WAIT, "", LATE, health=Verdict.UNKNOWN),
    "never probed, at the end": case(WAIT, "", LATE, health=None),
    "never probed, baking": case(WAIT, "", health=None),
    "waived probes": case(PROCEED, "bake ended", LATE, health=Verdict.WAIVED),
    # A breach.
    "breach": case(ROLL_BACK, "errors", assessment=BREACH),
    "breach at the end": case(ROLL_BACK, "errors", END, assessment=BREACH),
    "breach after the end": case(ROLL_BACK, "errors", LATE, assessment=BREACH),
    "breach and page": case(ROLL_BACK, "errors, dlq", assessment=BOTH),
    "breach, probes unknown": case(ROLL_BACK, "errors", assessment=BREACH, health=None),
    "breach while it is verified": case(ROLL_BACK, "errors", assessment=BREACH, promotion=stands(P.VERIFYING)),
    "breach, failed after its deploy": case(ROLL_BACK, "errors", assessment=BREACH, promotion=stands(P.FAILED)),
    "breach, no last good": case(HALT, "no verified release to go back to", assessment=BREACH, last_good=None),
    "breach, unsafe": case(HALT, "rollback to bbbbbbbb is UNSAFE: a column", assessment=BREACH, safety=UNSAFE),
    "breach, safety unknown": case(HALT, "is UNKNOWN: nobody tried", assessment=BREACH, safety=UNSURE),
    "breach, safe over an additive migration": case(ROLL_BACK, "errors", assessment=BREACH, safety=ADDITIVE),
    "breach, unsafe, with a way forward": case(
        HALT, "a column was dropped; roll forward: fix it", assessment=BREACH, safety=UNSAFE_WITH_PLAN
    ),
    # The schema may be asked again; nothing is decided on what did not answer.
    "breach, schema unread": case(WAIT, "held, the schema is no answer", assessment=BREACH, safety=DUMB),
    "breach, schema unread until just before the deadline": case(
        WAIT, "held, the schema is no answer", at(629), assessment=BREACH, safety=DUMB, unread_since=at(30)
    ),
    "breach, schema unread at the deadline": case(
        HALT, "unread for 600 s, the schema is no answer", at(630), assessment=BREACH, safety=DUMB, unread_since=at(30)
    ),
    "sick, schema unread at the deadline": case(
        HALT,
        "unread for 5 s",
        at(35),
        health=Verdict.FAILED,
        safety=DUMB,
        unread_since=at(30),
        unknown_deadline_seconds=5.0,
    ),
    "breach, schema read after it was not": case(ROLL_BACK, "errors", at(700), assessment=BREACH, unread_since=at(30)),
    "quiet, schema unread": case(PROCEED, "bake ended", LATE, safety=DUMB, unread_since=at(30)),
    # After the bake the policy says what a breach asks for; everything else is as before.
    "breach after the bake": case(HALT, "the policy asks for people", LATE, assessment=BREACH, promotion=DONE),
    "breach after the bake, roll back": case(
        ROLL_BACK, "errors", LATE, assessment=BREACH, promotion=DONE, after_bake=AlarmAction.ROLL_BACK
    ),
    "breach after the bake, unsafe": case(
        HALT, "UNSAFE", LATE, assessment=BREACH, promotion=DONE, after_bake=AlarmAction.ROLL_BACK, safety=UNSAFE
    ),
    "breach after the bake, held": case(
        HALT, "people hold", LATE, assessment=BREACH, promotion=DONE, after_bake=AlarmAction.ROLL_BACK, held="drill"
    ),
    "breach after the bake of a rollback": case(
        HALT, "never rolled back", LATE, assessment=BREACH, promotion=rollback(B, 0), after_bake=AlarmAction.ROLL_BACK
    ),
    "dark after the bake": case(WAIT, "alarms unread", LATE, assessment=DARK, promotion=DONE),
    "breach while baking, whatever comes after": case(
        ROLL_BACK, "errors", assessment=BREACH, after_bake=AlarmAction.PAGE
    ),
    "breach of a rollback": case(HALT, "never rolled back", assessment=BREACH, promotion=A_ROLLBACK),
    # People are asked; the release is not at fault for all that is known.
    "page while baking": case(WAIT, "dlq", assessment=PAGE),
    "page at the end": case(PROCEED, "dlq", END, assessment=PAGE),
    # A breach that is not sustained yet is waited for, whatever else is due.
    "rising while baking": case(WAIT, "not yet sustained", assessment=RISING),
    "rising at the end": case(WAIT, "not yet sustained", END, assessment=RISING),
    "rising after the deadline": case(WAIT, "not yet sustained", at(661), assessment=RISING),
    # People hold the environment: nothing rolls back by itself, and all else goes on.
    "held, breach": case(HALT, "people hold staging: drill", assessment=BREACH, held="drill"),
    "held, sick": case(HALT, "people hold staging", health=Verdict.FAILED, held="drill"),
    "held, quiet": case(PROCEED, "bake ended", END, held="drill"),
    # Failed probes.
    "sick": case(ROLL_BACK, "health probes failed", health=Verdict.FAILED),
    "sick, alarms unknown": case(ROLL_BACK, "health probes", health=Verdict.FAILED, assessment=DARK),
    "sick and page": case(ROLL_BACK, "health probes", health=Verdict.FAILED, assessment=PAGE),
    "sick after a failed run": case(ROLL_BACK, "health", promotion=stands(P.FAILED), health=Verdict.FAILED),
    "sick at the end": case(ROLL_BACK, "health probes failed", END, health=Verdict.FAILED),
    "sick, no last good": case(HALT, "no verified release", health=Verdict.FAILED, last_good=None),
    "sick, unsafe": case(HALT, "UNSAFE", health=Verdict.FAILED, safety=UNSAFE),
    "sick, safety unknown": case(HALT, "UNKNOWN", health=Verdict.FAILED, safety=UNSURE),
    "sick rollback": case(HALT, "never rolled back", health=Verdict.FAILED, promotion=A_ROLLBACK),
    # Decided once.
    "decided, quiet": case(WAIT, "already decided", LATE, decided=True),
    "decided, breach": case(WAIT, "already decided", assessment=BREACH, decided=True),
    "decided, sick": case(WAIT, "already decided", health=Verdict.FAILED, decided=True),
    # Quiet, and not baking.
    **{
        f"quiet, {phase}": case(WAIT, f"{phase}, not baking", LATE, promotion=stands(phase))
        for phase in PromotionPhase
        if phase is not P.BAKING
    },
    # The code that breaches is not this promotion's: not deployed yet, or gone again.
    **{
        f"breach, {phase}": case(WAIT, "", assessment=BREACH, promotion=stands(phase))
        for phase in (P.REQUESTED, P.GATED, P.ROLLED_BACK, P.SUPERSEDED)
    },
    "breach, failed before its deploy": case(
        WAIT, "", assessment=BREACH, promotion=replace(stands(P.FAILED), code_changed=False)
    ),
}


@pytest.mark.parametrize(("action", "words", "now", "watched"), TABLE.values(), ids=TABLE.keys())
def test_decide(action: Action, words: str, now: datetime, watched: Watched) -> None:
    decision = decide(watched, now)
    assert (decision.action, words in decision.reason) == (action, True), decision
    assert decision.to == (B if action is ROLL_BACK else None)


def test_a_rollback_names_its_target_and_the_alarms_that_decided() -> None:
    decision = decide(replace(WATCHED, assessment=BOTH), EARLY)
    assert decision == Decision(ROLL_BACK, "errors, dlq", B, (ERRORS.arn, DLQ.arn))


def test_failed_probes_need_no_alarm() -> None:
    decision = decide(replace(WATCHED, health=Verdict.FAILED), EARLY)
    assert (decision.to, decision.arns) == (B, ())


def test_a_halt_names_the_alarms_and_no_target() -> None:
    decision = decide(replace(WATCHED, assessment=BREACH, safety=UNSAFE), EARLY)
    assert (decision.to, decision.arns) == (None, (ERRORS.arn,))
