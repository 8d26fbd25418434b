"""Requests replayed: at a rate, in their order, told in the audit trail, and no further than somebody answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from namecard_release.domain.gates import Verdict
from namecard_release.domain.request_replay import Answer, FailedRequest, PlannedRequest, RequestPolicy, plan_requests
from namecard_release.errors import MisuseError
from namecard_release.workflow.people import Word
from namecard_release.workflow.request_replaying import ReplayTools, replay_requests
from tests.fakes.dead_letters import NOW, Post, open_post

POLICY = RequestPolicy("dev", ("cards",))


class Sender:
    """Answers in turn; the last answer stays."""

    def __init__(self, *answers: Answer) -> None:
        self.answers, self.sent = list(answers), list[str]()

    def send(self, base_url: str, planned: PlannedRequest) -> Answer:
        self.sent.append(f"{planned.method} {base_url}{planned.path}")
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    opened = open_post(tmp_path)
    yield opened
    opened.ledger.close()


def planned(number: int) -> tuple[PlannedRequest, ...]:
    requests = [FailedRequest(f"/v1/cards/{n}", "GET", NOW, f"r-{n}") for n in range(number)]
    return plan_requests([*requests, FailedRequest("/v1/cards", "POST")], POLICY)


def run(post: Post, sender: Sender, number: int = 3, word: Word | None = None):  # type: ignore[no-untyped-def]  # noqa: ANN201
    tools = ReplayTools(sender, post.pacer, post.ledger, post)
    return replay_requests(tools, "http://api/dev", planned(number), word or Word("dev", "ada", "so", NOW))


def test_requests_are_sent_in_their_order_and_told(post: Post) -> None:
    sender = Sender(Answer(200))
    done = run(post, sender)
    assert done.verdict is Verdict.PASSED
    assert sender.sent == [f"GET http://api/dev/v1/cards/{n}" for n in range(3)]
    assert done.skipped == (("POST is not idempotent: name it with --method to send it", 1),)
    ended, begun = post.ledger.audit_entries("dev")
    assert (begun.action, ended.action) == ("requests replay begun", "requests replay ended")
    assert '"200":3' in ended.details


def test_one_that_fails_again_is_told(post: Post) -> None:
    done = run(post, Sender(Answer(200), Answer(500), Answer(200)))
    assert done.verdict is Verdict.FAILED and "1 failed again" in done.reason


def test_nobody_is_asked_for_ever(post: Post) -> None:
    sender = Sender(Answer(None, "refused"))
    done = run(post, sender, 20)
    assert done.verdict is Verdict.UNKNOWN and len(sender.sent) == 5 and "15 were not sent" in done.reason
    assert post.pacer.waits == [0, 1, 2, 3]


@pytest.mark.parametrize("word", [Word("dev", "", "so", NOW), Word("dev", "ada", " ", NOW)])
def test_nobody_and_nothing_said_send_nothing(post: Post, word: Word) -> None:
    sender = Sender(Answer(200))
    with pytest.raises(MisuseError):
        run(post, sender, word=word)
    assert sender.sent == [] and post.ledger.audit_entries("dev") == ()
