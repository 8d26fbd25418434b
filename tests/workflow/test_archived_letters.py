"""Archived letters sent again: with the first replay's key, in bounds, once, and what a killed run leaves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from namecard_release.dlq_port import Replay, SendFailure
from namecard_release.domain.dead_letter_plans import JournalState, Mode
from namecard_release.domain.dead_letters import replay_key
from namecard_release.domain.gates import Verdict
from namecard_release.errors import MisuseError
from namecard_release.workflow.archived_letters import look_into, replay_archived
from namecard_release.workflow.dead_letters import Order
from namecard_release.workflow.draining import Done, Drainer
from tests.fakes.dead_letters import Post, envelope, open_post


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    opened = open_post(tmp_path)
    yield opened
    opened.ledger.close()


def file_away(post: Post, number: int) -> str:
    """Archive so many letters of a validation error; gives the object."""
    for n in range(number):
        post.queue.put(envelope({"n": n}, "ValidationError", request=f"r-{n}"), id_=f"m-{n}")
    Drainer(post.desk(), Order(Mode.ARCHIVE, 1000, "filing"), None).run()
    assert post.queue.messages == []
    (key,) = post.archive.objects
    return key


def resend(post: Post, key: str, limit: int = 1000, run_id: str = "again", **changes: object) -> Done:
    order = Order(Mode.REPLAY, limit, run_id, **changes)  # type: ignore[arg-type]
    return replay_archived(post.desk(), order, key)


def states(post: Post) -> set[JournalState]:
    return {entry.state for entry in post.ledger.entries("dev", limit=1000)}


def test_they_are_sent_once_with_the_key_of_every_other_replay(post: Post) -> None:
    key = file_away(post, 25)
    done = resend(post, key)
    assert (done.verdict, done.counts, done.left) == (Verdict.PASSED, {"replayed": 25}, 0)
    assert sorted(orjson.loads(one.letter.payload)["n"] for one in post.way.sent) == list(range(25))
    assert {(one.target.function, one.attempt) for one in post.way.sent} == {("auth-fn", 1)}
    assert all(one.key == replay_key("dev", one.letter) for one in post.way.sent)
    assert states(post) == {JournalState.SENT}
    again = resend(post, key)
    assert again.verdict is Verdict.UNKNOWN and again.reasons == (("a replay of it went out already", 25),)
    assert len(post.way.sent) == 25


def test_one_that_comes_back_is_known_as_its_replay(post: Post) -> None:
    key = file_away(post, 1)
    resend(post, key)
    (first,) = post.way.sent
    post.pass_time(60)
    returned = {**orjson.loads(first.letter.payload), "namecardReplay": {"key": first.key, "replays": first.attempt}}
    post.queue.put(envelope(returned, request="later"), id_="m-back")
    Drainer(post.desk(), Order(Mode.DRAIN, 10, "drain"), None).run()
    assert [(one.key, one.attempt) for one in post.way.sent] == [(first.key, 1), (first.key, 2)]


def test_filter_limit_and_plan(post: Post) -> None:
    key = file_away(post, 30)
    order = Order(Mode.REPLAY, 1000, "plan", "payload.n < `12`")
    assert [one.attempt for one in look_into(post.desk(), order, key)] == [1] * 12
    assert post.way.sent == [] and states(post) == {JournalState.FILED}
    done = resend(post, key, limit=5, expression="payload.n < `12`")
    assert (len(post.way.sent), done.reasons) == (5, (("the limit of 5 was reached", 7),))
    assert resend(post, key, expression="payload.n < `12`").counts == {"replayed": 7}
    with pytest.raises(MisuseError, match="JMESPath"):
        resend(post, key, expression="payload[")


def test_killed_between_send_and_journal_it_repeats_ten_with_the_same_keys(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = file_away(post, 25)

    class KilledError(BaseException):
        """The process is gone."""

    told = type(post.ledger).resent
    calls: list[int] = []

    def dies(*arguments: object) -> None:
        calls.append(1)
        if len(calls) == 2:
            raise KilledError
        told(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(type(post.ledger), "resent", dies)
        with pytest.raises(KilledError):
            resend(post, key)
    assert resend(post, key).counts == {"replayed": 15}
    keys = [one.key for one in post.way.sent]
    assert (len(keys), len(set(keys))) == (35, 25)


def test_a_refusal_that_passes_is_tried_again_and_one_that_does_not_stops_nothing(post: Post) -> None:
    key = file_away(post, 25)
    passing = iter([SendFailure("m-3", "throttled", True)])

    def refuse(replay: Replay) -> SendFailure | None:
        if replay.letter.message_id == "m-4":
            return SendFailure("m-4", "the function is gone", False)
        return next(passing, None) if replay.letter.message_id == "m-3" else None

    post.way.refuse = refuse
    done = resend(post, key)
    assert (done.verdict, done.counts, done.reasons) == (
        Verdict.FAILED,
        {"replayed": 24},
        (("the function is gone", 1),),
    )
    assert [entry.message_id for entry in post.ledger.entries("dev", state="FILED")] == ["m-4"]
    assert post.pacer.waits == [0]


def test_a_function_that_throttles_on_stops_the_run(post: Post) -> None:
    key = file_away(post, 25)
    post.way.refuse = lambda replay: SendFailure(replay.letter.message_id, "throttled", True)
    done = resend(post, key)
    assert done.verdict is Verdict.UNKNOWN and "in a row: throttled" in done.reason
    assert (done.left, post.way.sent, states(post)) == (25, [], {JournalState.FILED})


def test_another_environments_object_is_misuse(post: Post) -> None:
    key = file_away(post, 1)
    (line,) = post.archive.objects[key]
    post.archive.objects[key] = (type(line)(**{**vars(line), "environment": "prod"}),)
    with pytest.raises(MisuseError, match="is of prod"):
        resend(post, key)
