"""JMESPath over letters: filters, the settings' expressions and routes, and what is told of a bad one."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from namecard_release.adapters.dead_letters.bodies import BodyReader
from namecard_release.adapters.dead_letters.filters import make_filter, make_prober
from namecard_release.domain.dead_letters import DeadLetter
from namecard_release.errors import MisuseError
from namecard_release.settings import SERVICES
from tests.fakes.dead_letters import envelope

SENT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def letter(event: object, reader: BodyReader | None = None) -> DeadLetter:
    return (reader or BodyReader(SERVICES)).read("m-1", envelope(event), {}, SENT, 1)


@pytest.mark.parametrize(
    ("expression", "fits"),
    [
        (None, True),
        ("payload.n", True),
        ("payload.n == `0`", True),
        ("payload.n > `0`", False),
        ("payload.missing", False),
        ("payload.empty", False),
        ("error.name == 'DbConnectionError'", True),
        ("contains(error.message, 'failed')", True),
        ("format == 'envelope' && receives < `3`", True),
        ("sent_at < '2026-03-02T10'", True),
        ("sent_at < '2026-03-02T08'", False),
    ],
)
def test_a_filter_picks_letters(expression: str | None, fits: bool) -> None:
    assert make_filter(expression)(letter({"n": 0, "empty": []})) is fits


@pytest.mark.parametrize("expression", ["payload[", "a b", "", "nosuch(payload)"])
def test_a_bad_filter_is_told_in_one_line(expression: str) -> None:
    with pytest.raises(MisuseError) as told:
        make_filter(expression)(letter({}))
    assert "\n" not in str(told.value)


def test_a_filter_that_asks_the_impossible_of_a_letter_is_told() -> None:
    with pytest.raises(MisuseError, match="cannot be evaluated"):
        make_filter("contains(payload, 'x')")(letter(7))


def test_the_settings_expressions_become_facts_and_routes() -> None:
    probe = make_prober(["payload.n == `1`", "payload.other"], {"uploads": "payload.Records[0].s3"})
    reader = BodyReader(SERVICES, probe)
    assert letter({"n": 1}, reader).facts == {"payload.n == `1`"}
    raw = reader.read("m-1", json.dumps({"Records": [{"s3": {"bucket": "b"}}]}), {}, SENT, 1)
    assert raw.service == "uploads"


def test_nothing_is_evaluated_where_nothing_is_asked() -> None:
    assert make_prober([], {}) is None
