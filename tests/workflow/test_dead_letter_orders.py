"""Orders: a name and a reason, the audit trail, and letters that wait for a fix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from namecard_release.domain.approvals import NOBODY
from namecard_release.domain.dead_letter_plans import Action, Mode
from namecard_release.domain.gates import Verdict
from namecard_release.domain.promotion import Promotion, PromotionKind, PromotionPhase
from namecard_release.errors import MisuseError
from namecard_release.workflow.dead_letter_orders import Ask, carry_out, look
from namecard_release.workflow.dead_letters import Order
from namecard_release.workflow.people import Word
from tests.fakes.dead_letters import NOW, Post, envelope, open_post

A, B = "a" * 40, "b" * 40
P = PromotionPhase


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    opened = open_post(tmp_path)
    yield opened
    opened.ledger.close()


def ask(fix: str = "", actor: str = "ada", reason: str = "so") -> Ask:
    return Ask(Order(Mode.DRAIN, 100, "run"), Word("dev", actor, reason, NOW), fix)


def promote(post: Post, release: str, phase: PromotionPhase, deployed_at: datetime = NOW) -> None:
    id_ = f"p-{release[:1]}-{deployed_at:%H%M}"
    texts = (id_, "dev", release, PromotionKind.PROMOTION, P.REQUESTED, "ada", "so")
    post.ledger.open_promotion(Promotion(*texts, requested_at=deployed_at, updated_at=deployed_at, run_id=id_))
    for step in (P.GATED, P.DEPLOYING, P.VERIFYING, P.BAKING):
        changes = {"deployed_at": deployed_at, "code_changed": True} if step is P.VERIFYING else {}
        post.ledger.move(id_, step, deployed_at, "on", **changes)
    if phase is not P.BAKING:
        post.ledger.move(id_, phase, deployed_at, "end")


@pytest.mark.parametrize(("actor", "reason"), [("", "so"), (NOBODY, "so"), ("ada", "  ")])
def test_nobody_and_nothing_said_touch_nothing(post: Post, actor: str, reason: str) -> None:
    post.queue.put(envelope({}))
    with pytest.raises(MisuseError):
        carry_out(post.desk(), post.ledger, ask(actor=actor, reason=reason))
    assert post.queue.messages[0].receives == 0 and post.ledger.audit_entries("dev") == ()


def test_what_was_done_is_in_the_audit_trail_without_payloads(post: Post) -> None:
    post.queue.put(envelope({"password": "hunter2-hunter2"}))
    told = replace(ask(), order=replace(ask().order, expression="payload.password == 'hunter2-hunter2'"))
    assert carry_out(post.desk(), post.ledger, told).counts["replayed"] == 1
    ended, begun = post.ledger.audit_entries("dev")
    assert (begun.action, ended.action) == ("dead letters: drain begun", "dead letters: drain ended")
    assert '"replayed":1' in ended.details and '"filtered":true' in ended.details
    assert "hunter2" not in repr((begun, ended))


@pytest.mark.parametrize(
    ("release", "phase", "verdict"),
    [
        (None, P.SUCCEEDED, Verdict.UNKNOWN),
        (A, P.SUCCEEDED, Verdict.PASSED),
        (B, P.SUCCEEDED, Verdict.PASSED),
        ("c" * 40, P.SUCCEEDED, Verdict.UNKNOWN),
        (A, P.BAKING, Verdict.UNKNOWN),
        (A, P.HELD, Verdict.UNKNOWN),
        (A, P.ROLLED_BACK, Verdict.UNKNOWN),
    ],
)
def test_letters_wait_for_a_fix_that_serves(
    post: Post, release: str | None, phase: PromotionPhase, verdict: Verdict
) -> None:
    post.commits = {B: (A, B)}
    post.queue.put(envelope({}))
    if release is not None:
        promote(post, release, phase)
    done = carry_out(post.desk(), post.ledger, ask(fix=A))
    assert done.verdict is verdict
    assert len(post.way.sent) == (verdict is Verdict.PASSED)
    if verdict is Verdict.UNKNOWN:
        assert "aaaaaaaaaa is not deployed here" in done.reason and post.queue.messages[0].receives == 0


def test_a_fix_that_was_followed_by_an_older_release_does_not_serve(post: Post) -> None:
    post.queue.put(envelope({}))
    promote(post, A, P.SUCCEEDED)
    promote(post, "c" * 40, P.SUCCEEDED, NOW + timedelta(hours=1))
    assert carry_out(post.desk(), post.ledger, ask(fix=A)).verdict is Verdict.UNKNOWN


def test_a_fault_of_the_code_is_replayed_once_another_release_succeeded(post: Post) -> None:
    post.queue.put(envelope({}, "TypeError"))
    (before,) = look(post.desk(), post.ledger, ask()).planned
    promote(post, A, P.SUCCEEDED, NOW + timedelta(minutes=5))
    (after,) = look(post.desk(), post.ledger, ask()).planned
    assert (before.plan.action, after.plan.action) == (Action.LEAVE, Action.REPLAY)
