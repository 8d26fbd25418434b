"""Draining a queue: the order of its steps, what is left, poison, failures, and what a killed run leaves behind."""

from __future__ import annotations

import gc
import signal
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from itertools import count
from pathlib import Path
from threading import Event, Lock, main_thread

import orjson
import pytest

from namecard_release.dlq_port import Received, Replay, SendFailure
from namecard_release.domain.dead_letter_plans import JournalEntry, JournalState, Mode
from namecard_release.domain.gates import Verdict
from namecard_release.errors import MisuseError, PermanentError, TransientError
from namecard_release.workflow.drain_state import Run
from tests.fakes.dead_letters import Post, arn, crowded, drain, envelope, fill, open_post


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    opened = open_post(tmp_path)
    yield opened
    opened.ledger.close()


def test_a_queue_is_drained(post: Post) -> None:
    fill(post, 250)
    done = drain(post)
    assert (done.verdict, done.counts, done.left) == (Verdict.PASSED, {"replayed": 250, "presumed_sent": 0}, 0)
    assert post.queue.messages == []
    assert sorted(orjson.loads(replay.letter.payload)["n"] for replay in post.way.sent) == list(range(250))
    assert {replay.target.function for replay in post.way.sent} == {"auth-fn"}
    assert sum(len(lines) for lines in post.archive.objects.values()) == 250
    assert {entry.state for entry in post.ledger.entries("dev", limit=1000)} == {JournalState.SENT}


def test_each_step_comes_after_the_one_before_it(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    for owner, name in (
        *((post.archive, "put"), (post.ledger, "intend"), (post.way, "send")),
        *((post.queue, "delete"), (post.ledger, "settle")),
    ):
        told = getattr(owner, name)
        monkeypatch.setattr(
            owner, name, lambda *a, _told=told, _name=name, **k: (steps.append(_name), _told(*a, **k))[1]
        )
    fill(post, 12)
    drain(post)
    assert steps == ["put", "intend", "send", "delete", "send", "delete", "settle"]


def test_two_batches_are_under_way_and_every_letter_goes_out_once(tmp_path: Path) -> None:
    with crowded(tmp_path) as post:
        fill(post, 430)
        written, goes_on = set[str](), Event()
        intend = post.ledger.intend

        def note(entries: Sequence[JournalEntry]) -> frozenset[str]:
            # The first batch is held up here until another is written down, too.
            written.add(entries[0].message_id)
            if len(written) == 2:
                goes_on.set()
            assert goes_on.wait(30)
            return intend(entries)

        post.ledger.intend = note  # type: ignore[method-assign]
        done = drain(post)
        assert (done.counts["replayed"], done.left, post.queue.messages) == (430, 0, [])
        assert sorted(one.letter.message_id for one in post.way.sent) == sorted(f"m-{n}" for n in range(430))
        assert {entry.state for entry in post.ledger.entries("dev", limit=1000)} == {JournalState.SENT}
        assert sum(len(lines) for lines in post.archive.objects.values()) == 430


def test_a_call_that_fails_stops_the_others_and_what_they_sent_is_journaled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with crowded(tmp_path) as post:
        fill(post, 400)
        stopped, stop, calls = Event(), Run.stop, count()
        monkeypatch.setattr(Run, "stop", lambda run, reason: (stop(run, reason), stopped.set()))

        def refuse(_: Replay) -> None:
            number = next(calls)
            if number == 15:
                raise PermanentError("the way is broken")
            # The others are in the middle of theirs when it fails.
            assert number < 15 or stopped.wait(30)

        post.way.refuse = refuse
        with pytest.raises(PermanentError, match="the way is broken"):
            drain(post)
        sent = {one.letter.message_id for one in post.way.sent}
        journaled = {e.message_id for e in post.ledger.entries("dev", limit=1000) if e.state is JournalState.SENT}
        assert sent == journaled and 10 <= len(sent) <= 40
        assert {one.id for one in post.queue.messages} == {f"m-{n}" for n in range(400)} - sent


@pytest.mark.parametrize("step", ["receive", "put", "intend", "send", "delete", "settle"])
def test_whatever_fails_nobody_waits_for_letters_to_be_shown(tmp_path: Path, step: str) -> None:
    with crowded(tmp_path) as post:
        fill(post, 400)
        owners = {"receive": post.queue, "delete": post.queue, "put": post.archive, "send": post.way}
        owner = owners.get(step, post.ledger)
        call, turns = getattr(owner, step), count()

        def fail(*words: object, **named: object) -> object:
            if next(turns) >= 2:
                raise TransientError("it does not answer")
            return call(*words, **named)

        setattr(owner, step, fail)
        with pytest.raises(TransientError, match="does not answer"):
            drain(post)
        setattr(owner, step, call)
        assert post.queue.depth().visible == len(post.queue.messages) > 0
        drain(post, run_id="again")
        assert sorted(one.letter.message_id for one in post.way.sent) == sorted(f"m-{n}" for n in range(400))


def test_an_interrupted_run_begins_nothing_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with crowded(tmp_path) as post:
        fill(post, 400)
        stopped, stop, once = Event(), Run.stop, iter([True])
        monkeypatch.setattr(Run, "stop", lambda run, reason: (stop(run, reason), stopped.set()))

        def interrupt(_: Replay) -> None:
            if next(once, False):
                signal.pthread_kill(main_thread().ident or 0, signal.SIGINT)
            assert stopped.wait(30)

        post.way.refuse = interrupt
        with pytest.raises(KeyboardInterrupt):
            drain(post)
        assert 0 < len(post.way.sent) <= 40
        assert post.queue.depth().visible == len(post.queue.messages) == 400 - len(post.way.sent)


def test_the_archive_keeps_the_body_and_the_journal_does_not(post: Post) -> None:
    post.queue.put(envelope({"password": "hunter2-hunter2"}))
    drain(post)
    (lines,) = post.archive.objects.values()
    assert "hunter2-hunter2" in lines[0].letter.body
    assert "hunter2" not in repr(post.ledger.entries("dev"))


def test_what_will_never_work_is_archived_and_what_nobody_knows_is_left(post: Post) -> None:
    post.queue.put(envelope({}, "ValidationError"), id_="bad")
    post.queue.put(envelope({}, "OddError"), id_="odd")
    post.queue.put("no json", id_="garbage")
    done = drain(post)
    assert done.verdict is Verdict.UNKNOWN and done.counts["archived"] == 2
    assert [one.id for one in post.queue.messages] == ["odd"]
    assert done.reasons == (("unknown: no rule knows OddError", 1),)
    assert post.way.sent == []
    # What is left can be had at once by whoever comes next.
    assert post.queue.depth().visible == 1


def test_a_letter_of_another_environment_stays(post: Post) -> None:
    body = orjson.loads(envelope({}))
    body["requestContext"]["functionArn"] = arn("auth-fn", account="999999999999")
    post.queue.put(orjson.dumps(body).decode())
    done = drain(post)
    assert done.left == 1 and "another environment's" in done.reasons[0][0]
    assert post.archive.objects == {} and post.ledger.entries("dev") == ()


def test_only_what_fits_the_filter_is_touched(post: Post) -> None:
    fill(post, 40)
    done = drain(post, expression="payload.n < `15`")
    assert (done.verdict, done.counts["replayed"], done.left) == (Verdict.PASSED, 15, 0)
    assert post.queue.depth().visible == 25


def test_a_bad_filter_touches_nothing(post: Post) -> None:
    fill(post, 1)
    with pytest.raises(MisuseError, match="JMESPath"):
        drain(post, expression="payload[")
    assert post.queue.messages[0].receives == 0


def test_a_filter_that_fails_on_a_letter_leaves_nothing_hidden(tmp_path: Path) -> None:
    with crowded(tmp_path) as post:
        fill(post, 60)
        post.queue.put('{"bare": true}', id_="bare")
        with pytest.raises(MisuseError, match="cannot be evaluated"):
            drain(post, expression="starts_with(error.name, 'Db')")
        assert post.queue.depth().visible == 61 and post.way.sent == []


@pytest.mark.parametrize(("mode", "counted"), [(Mode.REPLAY, "replayed"), (Mode.ARCHIVE, "archived")])
def test_what_was_found_is_dealt_with_when_no_more_may_be_hidden(tmp_path: Path, mode: Mode, counted: str) -> None:
    with crowded(tmp_path, most_scanned=60) as post:
        fill(post, 200)
        done = drain(post, mode, expression="payload.n < `20`", insist=True)
        assert done.verdict is Verdict.UNKNOWN and "narrow the filter" in done.reason
        assert (done.counts, done.left) == ({counted: 20}, 0)
        assert post.queue.depth().visible == 180


@pytest.mark.parametrize("times", [2, 3])
def test_a_failure_that_was_reported_more_than_once_is_sent_once(post: Post, times: int) -> None:
    fill(post, 20)
    for again in range(1, times):
        post.queue.put(envelope({"n": 7}, request="r-7"), id_=f"again-{again}")
    done = drain(post)
    assert (done.verdict, done.left, post.queue.messages) == (Verdict.PASSED, 0, [])
    assert (done.counts["replayed"], done.counts["archived"]) == (20, times - 1)
    assert sorted(orjson.loads(one.letter.payload)["n"] for one in post.way.sent) == list(range(20))


def test_a_failure_that_was_reported_again_and_again_is_left_to_the_next_run(post: Post) -> None:
    for again in range(9):
        post.queue.put(envelope({"n": 7}, request="r-7"), id_=f"again-{again}")
    post.way.refuse = lambda r: SendFailure(r.letter.message_id, "gone", False)
    done = drain(post)
    assert (done.verdict, done.left) == (Verdict.FAILED, 9)
    assert dict(done.reasons) == {"gone": 3, "the same failure is replayed by this run: the next one decides": 6}
    assert post.queue.depth().visible == 9


def test_a_message_that_is_delivered_again_and_again_is_sent_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with crowded(tmp_path) as post:
        fill(post, 300)
        receive, intend, both, lock, first = post.queue.receive, post.ledger.intend, Event(), Lock(), list[str]()

        def repeating(most: int, hide_seconds: int, wait_seconds: int = 0) -> tuple[Received, ...]:
            # Each answer gives one of the first batch once more, with another receipt.
            got = receive(max(1, most - 1), hide_seconds, wait_seconds)
            with lock:
                first.extend(one.letter.message_id for one in got if len(first) < 50)
                old = [one for one in post.queue.messages if one.id in first and one.visible_at > post.time][:1]
                for message in old:
                    message.visible_at = post.time
            return got + (receive(1, hide_seconds) if old and most > 1 else ())

        def hold(entries: Sequence[JournalEntry]) -> frozenset[str]:
            # No batch is written down before there is another.
            if len(held := [*held_up, entries]) == 2:
                both.set()
            held_up[:] = held
            assert both.wait(30)
            return intend(entries)

        held_up: list[Sequence[JournalEntry]] = []
        monkeypatch.setattr(post.ledger, "intend", hold)
        monkeypatch.setattr(post.queue, "receive", repeating)
        drain(post)
        monkeypatch.setattr(post.queue, "receive", receive)
        post.pass_time(301)
        done = drain(post, run_id="again")
        assert sorted(one.letter.message_id for one in post.way.sent) == sorted(f"m-{n}" for n in range(300))
        assert done.verdict is Verdict.PASSED and post.queue.messages == []


@pytest.mark.parametrize("limit", [3, 1000])
def test_a_search_slower_than_the_hiding_ends_and_sends_what_it_found(post: Post, limit: int) -> None:
    fill(post, 400)
    receive = post.queue.receive

    def slow(most: int, hide_seconds: int, wait_seconds: int = 0) -> tuple[Received, ...]:
        post.pass_time(12)
        return receive(most, hide_seconds, wait_seconds)

    post.queue.receive = slow  # type: ignore[method-assign]
    done = drain(post, limit=limit, expression="payload.n == `0` || payload.n == `399`")
    assert [orjson.loads(one.letter.payload)["n"] for one in post.way.sent] == [0]
    assert done.verdict is Verdict.UNKNOWN and "before the end of the queue was seen" in done.reason
    assert post.queue.depth().visible == len(post.queue.messages) == 399


@pytest.mark.parametrize("breaks", [False, True])
def test_what_cannot_be_shown_again_hides_nothing_else(tmp_path: Path, breaks: bool) -> None:
    with crowded(tmp_path) as post:
        for number in range(40):
            post.queue.put(envelope({"n": number}, "OddError", request=f"r-{number}"), id_=f"odd-{number}")
        show, once = post.queue.show, iter([True])

        def fail(received: Sequence[Received]) -> None:
            if next(once, False):
                raise TransientError("throttled")
            show(received)

        def deny(*_: object) -> None:
            raise PermanentError("the ledger is broken")

        post.queue.show = fail  # type: ignore[method-assign]
        if breaks:
            post.ledger.recall = deny  # type: ignore[method-assign, assignment]
        with pytest.raises(PermanentError, match="ledger is broken") if breaks else nullcontext():
            done = drain(post)
            assert done.verdict is Verdict.UNKNOWN and "throttled" in done.reason
        assert post.queue.depth().visible == 30


def test_the_limit_is_kept(post: Post) -> None:
    fill(post, 40)
    done = drain(post, limit=25)
    assert done.verdict is Verdict.UNKNOWN and "limit of 25" in done.reason
    assert len(post.way.sent) == 25 and post.queue.depth().visible == 15


@pytest.mark.parametrize("breaks", [False, True])
def test_cycles_are_looked_for_rarely_while_a_queue_is_drained(post: Post, breaks: bool) -> None:
    fill(post, 10)
    before, during = gc.get_threshold(), []

    def watch(replay: Replay) -> None:
        during.append(gc.get_threshold()[0])
        if breaks:
            raise PermanentError("the way is broken")

    post.way.refuse = watch
    with pytest.raises(PermanentError) if breaks else nullcontext():
        drain(post)
    assert set(during) == {20_000} and gc.get_threshold() == before


def test_a_replay_that_comes_back_twice_is_poison(post: Post) -> None:
    post.queue.put(envelope({"n": 1}, request="first"))
    keys = []
    for turn in range(3):
        done = drain(post, run_id=f"run-{turn}")
        if turn < 2:
            replay = post.way.sent[-1]
            keys.append((replay.key, replay.attempt))
            returned = {**orjson.loads(replay.letter.payload)}
            returned["namecardReplay"] = {"key": replay.key, "replays": replay.attempt}
            post.queue.put(envelope(returned, request=f"again-{turn}"))
            post.pass_time(60)
    assert keys == [(keys[0][0], 1), (keys[0][0], 2)]
    assert done.verdict is Verdict.FAILED and done.counts["quarantined"] == 1
    assert post.queue.messages == [] and len(post.way.sent) == 2
    (entry,) = post.ledger.entries("dev", state="QUARANTINED")
    assert entry.archive.startswith("quarantine/") and entry.replay_key == keys[0][0]


def test_what_a_killed_run_sent_is_presumed_once_the_queue_is_empty(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(post, 5)

    def die(*_: object) -> None:
        raise TransientError("killed here")

    with monkeypatch.context() as patch:
        patch.setattr(post.ledger, "settle", die)
        with pytest.raises(TransientError):
            drain(post)
    assert {entry.state for entry in post.ledger.entries("dev")} == {JournalState.INTENDED}
    assert drain(post, run_id="too early").counts["presumed_sent"] == 0
    post.pass_time(400)
    assert drain(post, run_id="later").counts["presumed_sent"] == 5
    assert {entry.state for entry in post.ledger.entries("dev")} == {JournalState.PRESUMED_SENT}


def test_letters_that_a_killed_run_holds_are_not_called_done(post: Post) -> None:
    fill(post, 30)
    post.queue.receive(10, 300)
    done = drain(post)
    assert (done.verdict, done.counts["replayed"]) == (Verdict.PASSED, 20)
    again = drain(post, run_id="again")
    assert again.verdict is Verdict.UNKNOWN and "about 10 more are hidden" in again.reason
    post.pass_time(301)
    assert drain(post, run_id="later").verdict is Verdict.PASSED


def test_letters_that_were_left_do_not_end_a_run_when_they_are_seen_again(post: Post) -> None:
    for number in range(20):
        post.queue.put(envelope({"n": number}, "OddError"), id_=f"odd-{number}")
    fill(post, 300)

    def slow(replay: Replay) -> None:
        # Long enough for what was left to be seen again before the queue's end.
        post.pass_time(2)

    post.way.refuse = slow
    done = drain(post)
    assert (done.counts["replayed"], done.left) == (300, 20)
    assert post.queue.depth().visible == 20
