"""The audit trail sealed and verified: whatever is changed, removed, moved or inserted is found and named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from namecard_release.domain.audit import START, AuditEntry, AuditEvent, Head, seal_entry, verify_trail
from namecard_release.domain.gates import Verdict

NOW = datetime(2026, 3, 2, 9, 0, 0, 5, tzinfo=UTC)
EVENTS = (
    AuditEvent(NOW, "ada", "promotion requested", "staging-promotion-1", "staging", "why", {"run": "r-1", "n": 1}),
    AuditEvent(NOW, "ada", "hold placed", "a" * 40, "prod", 'ünd "quotes"\n🚀', {}),
    AuditEvent(NOW, "bob", "gate waived", "b" * 40, None, "", {"gate": "quality"}),
    AuditEvent(NOW, "automation", "decided HALT", "p-2", "prod", "alarm", {"alarms": ["arn:1"], "to": None}),
)
Trail = tuple[AuditEntry, ...]


def seal(events: tuple[AuditEvent, ...] = EVENTS, head: Head = Head()) -> Trail:  # noqa: B008  frozen
    made: list[AuditEntry] = []
    for event in events:
        made.append(seal_entry(event, head))
        head = Head(made[-1].n, made[-1].hash)
    return tuple(made)


TRAIL = seal()
HEAD = Head(4, TRAIL[-1].hash)


def test_a_trail_is_passed_with_its_head() -> None:
    told = verify_trail(TRAIL, HEAD, {TRAIL[1].hash: "a promotion's end"}, TRAIL[0].hash)
    assert (told.verdict, told.entries, told.first_bad, told.head) == (Verdict.PASSED, 4, None, HEAD.hash)
    empty = verify_trail((), Head(), {}, START)
    assert (empty.verdict, empty.entries, empty.head) == (Verdict.PASSED, 0, START)


@pytest.mark.parametrize(
    ("change", "first_bad", "words"),
    [
        (lambda t: (t[0], *t[2:]), 2, "entry 2 is not there"),
        (lambda t: t[1:], 1, "entry 1 is not there"),
        (lambda t: t[:-1], 4, "entry 4 is not there: 4 was the newest"),
        (lambda t: (), 1, "entry 1 is not there"),
        (lambda t: (t[0], replace(t[2], n=2), replace(t[1], n=3), t[3]), 2, "does not follow"),
        (lambda t: (t[0], t[1], t[1], *t[2:]), 2, "entry 3 is not there: 2 follows on 2"),
        (lambda t: (t[0], replace(t[1], previous=t[0].previous), *t[2:]), 2, "does not follow"),
        (lambda t: (*t, *seal(EVENTS[:1], HEAD)), 5, "entry 5 was inserted"),
        (lambda t: (*t[:3], *seal(EVENTS[:1], Head(3, t[2].hash))), 4, "not the one that was noted"),
        (lambda t: (t[0], replace(t[1], reason=None), *t[2:]), 2, "what is no text"),
        (lambda t: (t[0], replace(t[1], environment=5), *t[2:]), 2, "what is no text"),
    ],
)
def test_what_was_done_to_a_trail_is_found(change: Callable[[Trail], Trail], first_bad: int, words: str) -> None:
    told = verify_trail(change(TRAIL), HEAD, {})
    assert (told.verdict, told.first_bad) == (Verdict.FAILED, first_bad)
    assert words in told.reason


@pytest.mark.parametrize("name", [field.name for field in fields(AuditEntry)])
@pytest.mark.parametrize("index", range(4))
def test_every_field_of_every_entry_is_sealed(name: str, index: int) -> None:
    other = {"n": 9, "environment": "dev"}.get(name, "x")
    changed = (*TRAIL[:index], replace(TRAIL[index], **{name: other}), *TRAIL[index + 1 :])  # type: ignore[arg-type]
    told = verify_trail(changed, HEAD, {})
    assert (told.verdict, told.first_bad) == (Verdict.FAILED, index + 1)


TEXTS = [field.name for field in fields(AuditEntry) if field.name != "n"]


@given(st.data())
def test_any_single_changed_byte_is_found(data: st.DataObject) -> None:
    index = data.draw(st.integers(0, 3))
    name = data.draw(st.sampled_from([n for n in TEXTS if getattr(TRAIL[index], n)]))
    raw = bytearray(getattr(TRAIL[index], name).encode())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    changed = replace(TRAIL[index], **{name: raw.decode("utf-8", "surrogateescape")})
    told = verify_trail((*TRAIL[:index], changed, *TRAIL[index + 1 :]), HEAD, {})
    assert (told.verdict, told.first_bad) == (Verdict.FAILED, index + 1)


@pytest.mark.parametrize(
    ("head", "noted", "expected", "first_bad", "words"),
    [
        (None, {}, None, 5, "notes no newest"),
        (HEAD, {"f" * 64: "the entry of p-1 as SUCCEEDED"}, None, None, "the entry of p-1 as SUCCEEDED is no longer"),
        (HEAD, {}, "f" * 64, None, "the head that was expected is no longer"),
    ],
)
def test_what_was_noted_elsewhere_must_be_there(
    head: Head | None, noted: dict[str, str], expected: str | None, first_bad: int | None, words: str
) -> None:
    told = verify_trail(TRAIL, head, noted, expected)
    assert (told.verdict, told.first_bad) == (Verdict.FAILED, first_bad)
    assert words in told.reason


def test_a_trail_rewritten_from_the_middle_is_found_by_a_head_kept_elsewhere() -> None:
    forged = seal((EVENTS[0], replace(EVENTS[1], reason="another"), *EVENTS[2:]))
    head = Head(4, forged[-1].hash)
    assert verify_trail(forged, head, {}).verdict is Verdict.PASSED
    assert verify_trail(forged, head, {}, HEAD.hash).verdict is Verdict.FAILED


def test_a_moment_is_kept_in_utc_and_needs_a_zone() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=8)))
    assert seal_entry(replace(EVENTS[0], at=there), Head()) == TRAIL[0]
    with pytest.raises(ValueError, match="time zone"):
        seal_entry(replace(EVENTS[0], at=datetime(2026, 3, 2)), Head())


def test_an_empty_text_is_not_the_same_as_none_nor_fields_run_into_each_other() -> None:
    made = {
        seal_entry(replace(EVENTS[2], environment=environment, actor=actor, reason=reason), Head()).hash
        for environment, actor, reason in ((None, "a", "b"), ("", "a", "b"), (None, "ab", ""), (None, "", "ab"))
    }
    assert len(made) == 4


def test_what_no_database_keeps_is_replaced_before_it_is_sealed() -> None:
    entry = seal_entry(replace(EVENTS[0], reason="a\0b\ud800"), Head())
    assert entry.reason == "a\N{REPLACEMENT CHARACTER}b?"
