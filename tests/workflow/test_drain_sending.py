"""Sending a drain's letters: refusals, waits for the rate, letters that are not come to in time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from threading import Barrier, Event

import pytest

from namecard_release.dlq_port import Replay, SendFailure
from namecard_release.domain.dead_letter_plans import Mode
from namecard_release.domain.gates import Verdict
from namecard_release.errors import MisuseError, PermanentError, TransientError
from namecard_release.workflow.dead_letters import Order
from namecard_release.workflow.draining import Drainer
from tests.fakes.dead_letters import Post, crowded, drain, fill, open_post


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    opened = open_post(tmp_path)
    yield opened
    opened.ledger.close()


@pytest.mark.parametrize(
    ("rate", "hide_seconds", "threads", "crews", "size"),
    [
        pytest.param(50, 300, 8, 2, 500, id="as the settings say"),
        pytest.param(50, 300, 1, 1, 500, id="one thread has one batch"),
        pytest.param(1, 300, 8, 2, 75, id="what the rate lets out in half of the hiding"),
        pytest.param(1, 2, 8, 1, 1, id="one letter at a time"),
        pytest.param(1, 4, 8, 2, 1, id="two of one each"),
    ],
)
def test_no_more_is_hidden_than_the_rate_lets_out(
    tmp_path: Path, rate: float, hide_seconds: int, threads: int, crews: int, size: int
) -> None:
    post = open_post(tmp_path, threads=threads, hide_seconds=hide_seconds)
    drainer = Drainer(post.desk(), Order(Mode.DRAIN, 1000, "run", rate=rate), None)
    assert (drainer._crews, drainer._run.size) == (crews, size)
    post.ledger.close()


def test_a_rate_too_low_for_the_hiding_touches_nothing(tmp_path: Path) -> None:
    with crowded(tmp_path, hide_seconds=2) as post:
        fill(post, 3)
        with pytest.raises(MisuseError, match="raise either"):
            drain(post, rate=0.5)
        assert post.queue.messages[0].receives == 0


@pytest.mark.parametrize("late_by", ["the rate", "refusals"])
def test_what_waited_too_long_for_its_turn_is_not_sent(
    post: Post, monkeypatch: pytest.MonkeyPatch, late_by: str
) -> None:
    fill(post, 10)
    waits = count()
    turn = {"the rate": 0, "refusals": 1}[late_by]
    monkeypatch.setattr(post.pacer, "take", lambda _: post.pass_time(290) if next(waits) == turn else None)
    refusals = iter([SendFailure("m-3", "throttled", True)])
    post.way.refuse = lambda r: next(refusals, None) if late_by == "refusals" and r.letter.message_id == "m-3" else None
    done = drain(post)
    assert (done.verdict, done.counts["replayed"]) == (Verdict.PASSED, 10)
    ids = [replay.letter.message_id for replay in post.way.sent]
    assert sorted(ids) == sorted(f"m-{n}" for n in range(10))
    assert sum(one.receives for one in post.queue.messages) == 0


def test_nobody_who_waits_for_the_rate_sends_after_the_run_was_stopped(tmp_path: Path) -> None:
    with crowded(tmp_path) as post:
        fill(post, 100)
        waiting, ended, woken = Barrier(4, timeout=30), Event(), list[bool]()

        def take(_: int) -> None:
            # Three wait for the rate while the fourth sends, and fails.
            if ended.is_set() or waiting.wait() == 0:
                return
            woken.append(ended.wait(10))

        once, tried = iter([True]), list[Replay]()

        def fail(replay: Replay) -> None:
            tried.append(replay)
            if next(once, False):
                raise PermanentError("the way is broken")

        post.pacer.take, post.pacer.end, post.way.refuse = take, ended.set, fail  # type: ignore[method-assign]
        with pytest.raises(PermanentError):
            drain(post)
        assert woken == [True] * 3 and len(tried) == 1 and post.way.sent == [] and post.queue.depth().visible == 100


def test_a_refusal_that_passes_is_tried_again(post: Post) -> None:
    fill(post, 10)
    refusals = iter([SendFailure("m-3", "throttled", True), SendFailure("m-3", "throttled", True)])

    def refuse(replay: Replay) -> SendFailure | None:
        return next(refusals, None) if replay.letter.message_id == "m-3" else None

    post.way.refuse = refuse
    assert drain(post).counts["replayed"] == 10
    assert post.pacer.waits == [0, 1]
    assert [r.letter.message_id for r in post.way.sent].count("m-3") == 1


def test_refusals_without_end_stop_the_run_and_leave_the_letters(post: Post) -> None:
    fill(post, 30)
    post.way.refuse = lambda replay: SendFailure(replay.letter.message_id, "throttled", True)
    done = drain(post)
    assert done.verdict is Verdict.UNKNOWN and "refused 5 times" in done.reason
    assert post.queue.depth().visible == 30 and post.way.sent == []
    post.way.refuse = lambda replay: None
    assert drain(post, run_id="later").counts["replayed"] == 30
    assert post.queue.messages == [] and len(post.way.sent) == 30


def test_one_that_is_never_taken_is_left_and_a_person_is_needed(post: Post) -> None:
    fill(post, 3)
    post.way.refuse = lambda r: SendFailure("m-1", "too large", False) if r.letter.message_id == "m-1" else None
    done = drain(post)
    assert done.verdict is Verdict.FAILED and done.reasons == (("too large", 1),)
    assert [one.id for one in post.queue.messages] == ["m-1"]


def test_an_owed_delete_is_made_up_for_without_sending_again(post: Post) -> None:
    fill(post, 3)
    post.queue.undeletable = {"m-1"}
    first = drain(post)
    assert first.counts["deletes_owed"] == 1
    assert first.verdict is Verdict.UNKNOWN and "sends none of them" in first.reason
    post.queue.undeletable = set()
    post.pass_time(301)
    assert drain(post, run_id="later").counts == {"deleted": 1, "presumed_sent": 0}
    assert len(post.way.sent) == 3 and post.queue.messages == []


@pytest.mark.parametrize(("at_once", "seconds"), [(10, 5), (1, 20), (1, 55)])
def test_a_slow_run_puts_back_what_it_does_not_come_to_and_takes_less_at_once(
    post: Post, at_once: int, seconds: int
) -> None:
    fill(post, 60)
    post.way.at_once = at_once

    def slow(replay: Replay) -> None:
        (message,) = (one for one in post.queue.messages if one.id == replay.letter.message_id)
        assert message.visible_at > post.time, "others see it already"
        post.pass_time(seconds)

    post.way.refuse = slow
    done = drain(post)
    assert (done.verdict, done.counts["replayed"], done.left) == (Verdict.PASSED, 60, 0)
    assert sorted(replay.letter.message_id for replay in post.way.sent) == sorted(f"m-{n}" for n in range(60))
    assert {entry.attempt for entry in post.ledger.entries("dev", limit=100)} == {1}


def test_late_letters_that_cannot_be_shown_end_no_run(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(post, 40)
    monkeypatch.setattr(post.queue, "show", _throttle)
    post.way.refuse = lambda _: post.pass_time(10)
    done = drain(post)
    # They were seen again once their hiding was over, by the same run.
    assert (done.verdict, done.counts["replayed"], post.queue.messages) == (Verdict.PASSED, 40, [])
    assert sorted(replay.letter.message_id for replay in post.way.sent) == sorted(f"m-{n}" for n in range(40))


def _throttle(*_: object) -> None:
    raise TransientError("throttled")


def test_a_run_that_is_too_slow_for_anything_ends(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(post, 30)
    put = post.archive.put
    monkeypatch.setattr(post.archive, "put", lambda *a, **k: (post.pass_time(280), put(*a, **k))[1])
    done = drain(post)
    assert done.verdict is Verdict.UNKNOWN and "raise it" in done.reason
    assert post.way.sent == [] and len(post.queue.messages) == 30
