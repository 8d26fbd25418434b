"""Every planted secret is masked in a text and in a log, whatever the handler."""

from __future__ import annotations

import io
import json
import logging
import random
import string
from collections.abc import Iterator

import pytest

from namecard_release import redaction
from namecard_release.domain.encodings import encodings_of
from namecard_release.redaction import install_redaction, know_secrets, redact
from tests.planted import KNOWN, PLANTED, Planted

EACH = pytest.mark.parametrize("planted", PLANTED, ids=[one.name for one in PLANTED])


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_KNOWN", redaction.KnownSecrets())
    know_secrets([KNOWN])


def test_there_are_twenty_and_each_stands_in_its_text() -> None:
    assert len(PLANTED) >= 20
    assert all(needle in one.text or one.name == "base64url of a key" for one in PLANTED for needle in one.needles[:1])


@EACH
def test_a_text_is_freed_of_it(planted: Planted) -> None:
    shown = redact(planted.text)
    assert "***" in shown
    assert not [needle for needle in planted.needles if needle in shown]
    assert redact(shown) == shown


@EACH
def test_a_long_text_is_freed_of_it(planted: Planted) -> None:
    shown = redact("\n".join(["harmless line " + "x" * 60] * 500 + [planted.text] + ["another"] * 500))
    assert not [needle for needle in planted.needles if needle in shown]
    assert shown.count("harmless line") == 500


@pytest.fixture
def stream() -> Iterator[tuple[logging.Logger, io.StringIO]]:
    """A logger with a handler and formatter that know nothing of secrets."""
    former = logging.getLogRecordFactory()
    install_redaction()
    install_redaction()
    text = io.StringIO()
    logger = logging.Logger("planted")
    logger.addHandler(logging.StreamHandler(text))
    yield logger, text
    logging.setLogRecordFactory(former)


@EACH
def test_no_log_shows_it(stream: tuple[logging.Logger, io.StringIO], planted: Planted) -> None:
    logger, text = stream
    logger.warning("told: %s", planted.text)
    logger.warning(planted.text)
    try:
        try:
            raise ValueError(planted.text)
        except ValueError as error:
            raise RuntimeError("wrapped") from error
    except RuntimeError:
        logger.exception("failed with %r", {"text": planted.text})
    shown = text.getvalue()
    assert shown.count("Traceback") >= 2
    assert not [needle for needle in planted.needles if needle in shown]


def test_a_message_that_does_not_fit_its_arguments_is_freed_too(stream: tuple[logging.Logger, io.StringIO]) -> None:
    logger, text = stream
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logging, "raiseExceptions", False)
        logger.warning("%d of " + PLANTED[0].text, "one")
    assert PLANTED[0].needles[0] not in text.getvalue()


def test_a_harmless_record_is_left_as_it_is(stream: tuple[logging.Logger, io.StringIO]) -> None:
    logger, _ = stream
    record = logger.makeRecord("n", logging.INFO, "f", 1, "%s deployed", ("8b1a9953",), None)
    assert (record.msg, record.args) == ("%s deployed", ("8b1a9953",))


@pytest.mark.parametrize("seed", range(30))
def test_any_value_is_found_in_any_form(seed: int) -> None:
    dice = random.Random(seed)
    value = "".join(dice.choices(string.printable + "äß漢\U0001f511", k=dice.randint(12, 80)))
    know_secrets([value])
    before, after = ("".join(dice.choices(string.ascii_letters, k=dice.randint(0, 5))) for _ in range(2))
    for form in encodings_of(value):
        assert form not in redact(f"{before} {form} {after}")
    raw = json.dumps({"a": before + value + after})
    assert json.dumps(value)[1:-1] not in redact(raw)


@pytest.mark.parametrize(
    "text",
    [
        "commit 8b1a9953c4611296a827abf8c47804d7e6f5d3c1 of NameCardApi-prod-AuthServiceErrorsAlarm1A2B3C4D-XY12",
        "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1",
        "sha512-Zm9vYmFyYmF6cXV4cXV1eGNvcmdlZ3JhdWx0Z2FycGx5d2FsZG9mcmVkcGx1Z2g=",
        "/aws/lambda/NameCardApi-prod-AuthServiceFunction1A2B3C4D-abcDEF123456",
        "https://example.com/a%20b/c%2Fd?x=%7B%22page%22%3A1%7D",
        "eyJwYWdlIjoxLCJuZXh0IjoiYWJjZGVmIn0=",
        "integrations: R0unds of service keys; 100 % of tokens",
    ],
)
def test_what_looks_alike_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize("text", ["aGVs" * 50_000, "%41" * 60_000, "token=" * 30_000, "eyJ" * 60_000, "--" * 30_000])
def test_hostile_text_takes_time_by_its_length(text: str) -> None:
    import time

    started = time.process_time()
    redact(text)
    assert time.process_time() - started < 2
