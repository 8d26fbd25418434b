"""Looking at dead letters: nothing changes but how often they were received."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from namecard_release.domain.dead_letter_plans import Mode
from namecard_release.workflow.dead_letters import Order, sample
from tests.fakes.dead_letters import Post, envelope, fill, open_post


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    opened = open_post(tmp_path)
    yield opened
    opened.ledger.close()


def test_a_sample_changes_nothing_but_counts(post: Post) -> None:
    fill(post, 5)
    post.queue.put(envelope({}, "ValidationError"))
    seen = sample(post.desk(), Order(Mode.DRAIN, 100, "run"), None)
    assert [str(one.plan.action) for one in seen.planned] == ["replay"] * 5 + ["archive"]
    assert post.queue.depth().visible == 6
    assert post.ledger.entries("dev") == () and post.archive.objects == {} and post.way.sent == []


def test_a_sample_takes_no_more_than_it_shows(post: Post) -> None:
    fill(post, 30)
    assert len(sample(post.desk(), Order(Mode.DRAIN, 3, "run"), None).planned) == 3
    assert sum(one.receives for one in post.queue.messages) == 3
