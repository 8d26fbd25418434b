"""Planted secrets in all that an incident and a dead letter are told: none is kept in ledger or index, none shown."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path

import orjson
import pytest

from namecard_release import redaction
from namecard_release.adapters.channels.building import build_senders
from namecard_release.adapters.dead_letters.archive import S3DeadLetterArchive
from namecard_release.adapters.dead_letters.showing import show_letter, show_line
from namecard_release.adapters.log_lines import LineReader
from namecard_release.channel_settings import Channels
from namecard_release.dlq_port import ArchiveLine
from namecard_release.domain.alarms import AlarmState
from namecard_release.domain.dead_letter_plans import Mode
from namecard_release.domain.incident import Item
from namecard_release.domain.incident_steps import Word
from namecard_release.domain.incident_summary import render_summary
from namecard_release.redaction import know_secrets
from namecard_release.workflow import responding
from namecard_release.workflow.acknowledging import take_acknowledgements
from namecard_release.workflow.dead_letters import Order
from namecard_release.workflow.delivering import Post, deliver
from namecard_release.workflow.draining import Drainer
from namecard_release.workflow.incident_clock import tick_clock
from namecard_release.workflow.incident_evidence import gather_for_incident
from namecard_release.workflow.incidents import look_for_incidents
from namecard_release.workflow.pipeline import Pipeline
from tests.fakes.acknowledgements import Reader
from tests.fakes.dead_letters import envelope, open_post
from tests.fakes.signals import FakeSignals, with_signals
from tests.fakes.world import World
from tests.planted import KNOWN, PLANTED, Planted


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_KNOWN", redaction.KnownSecrets())
    know_secrets([KNOWN])


def shown_in(texts: Iterable[str]) -> list[str]:
    """Find needles as they are, and as JSON writes them."""
    needles = {form for one in PLANTED for needle in one.needles for form in (needle, json.dumps(needle)[1:-1])}
    whole = "\n".join(texts)
    return sorted(needle for needle in needles if needle in whole)


def files_of(folder: Path) -> list[str]:
    return [path.read_bytes().decode("utf-8", "replace") for path in folder.rglob("*") if path.is_file()]


def lines_of(planted: Planted, at: str) -> list[bytes]:
    """Write the planted text wherever a Lambda's log has room for it: as a field, and as a line of its own."""
    record = {
        "level": "error",
        "message": "lambda.invocation.failed",
        "timestamp": at,
        "service": "cards",
        "requestId": planted.text,
        "correlationIds": {"x-correlation-id": planted.text, planted.text: "id"},
        "data": {"path": f"/prod/v1/cards/{planted.text}", "errorName": planted.text},
        "error": {"name": planted.text, "message": planted.text, "stack": planted.text},
    }
    return [json.dumps(record).encode(), *planted.text.encode().splitlines()]


def test_no_incident_keeps_or_shows_one(tmp_path: Path) -> None:
    world = World(tmp_path)
    senders, reader = build_senders(Channels(folder=tmp_path / "outbox"), None, None), Reader()
    pipeline = replace(world.pipeline(), senders=senders, acknowledgements=reader)
    shown: list[str] = []
    for number, planted in enumerate(PLANTED, 1):
        shown += _live_through(world, pipeline, reader, f"INC-{number}", planted)
        deliver(Post(pipeline.outbox, senders, pipeline.clock.now, lambda: False))
    shown += [repr(one) for one in pipeline.ledger.audit_entries()]
    pipeline.ledger.close()  # type: ignore[attr-defined]
    kept = files_of(tmp_path)
    # That it is there at all: as what is left of it.
    assert sum("cannot connect to" in one for one in kept) >= 2 and len(list((tmp_path / "outbox").iterdir())) == 3
    assert (shown_in(shown), shown_in(kept)) == ([], [])


def _live_through(world: World, pipeline: Pipeline, reader: Reader, incident: str, planted: Planted) -> list[str]:
    """Let an incident begin and end in which every text that somebody else writes is the planted one."""
    alarm, text = "CardsServiceErrorsAlarm", planted.text
    world.alarms[alarm] = replace(world.set_alarm(alarm, AlarmState.ALARM), reason=text)
    events = LineReader("cards").read(lines_of(planted, pipeline.clock.now().isoformat()))
    reading = with_signals(pipeline, FakeSignals(logs_of={"cards": list(events)}))
    shown = list(look_for_incidents(pipeline, "prod").done)
    evidence = gather_for_incident(reading, incident)
    shown += [evidence.headline, json.dumps(evidence.details)]
    reader.tell(incident, text, pipeline.clock.now())
    shown += take_acknowledgements(pipeline, None, lambda: False).done
    settings, ledger, now = pipeline.settings, pipeline.ledger, pipeline.clock.now()
    word = Word("ada", text, root_cause=text, data_at_risk=text, done=(Item.RUNBOOK,))
    responding.note(settings, ledger, incident, word, now)
    responding.note(settings, ledger, incident, Word(text, text), now)
    world.pass_time(3600)
    tick_clock(pipeline)
    responding.resolve(settings, ledger, incident, text, text, pipeline.clock.now())
    told = responding.tell_incident(settings, ledger, incident, pipeline.clock.now())
    world.set_alarm(alarm, AlarmState.OK)
    shown += look_for_incidents(pipeline, "prod").done
    world.pass_time(60)
    return [*shown, render_summary(told), json.dumps(asdict(told), default=str)]


def letters_of(planted: Planted) -> list[tuple[str, dict[str, str]]]:
    """Write the planted text wherever a letter has room for it."""
    event = {"rawPath": "/prod/v1/cards", "body": planted.text, "headers": {"x": planted.text}, planted.text: 1}
    letter = orjson.loads(envelope(event, "DbConnectionError", name="cards-fn"))
    letter["requestContext"]["requestId"] = planted.text
    letter["responseContext"]["statusCode"] = planted.text
    letter["responsePayload"]["errorMessage"] = planted.text
    named = orjson.loads(orjson.dumps(letter))
    named["responsePayload"]["errorType"] = planted.text
    strange = orjson.loads(orjson.dumps(letter))
    strange["requestContext"]["functionArn"] = planted.text
    attributes = {"RequestID": planted.text, "ErrorMessage": planted.text, "ErrorCode": planted.text}
    return [
        *((orjson.dumps(one).decode(), {}) for one in (letter, named, strange)),
        (json.dumps(event), attributes),
        (planted.text, attributes),
    ]


def test_no_journal_no_key_and_no_listing_of_dead_letters_shows_one(tmp_path: Path) -> None:
    post = open_post(tmp_path)
    bodies = [(planted, *letter) for planted in PLANTED for letter in letters_of(planted)]
    for number, (_, body, attributes) in enumerate(bodies):
        post.queue.put(body, attributes, id_=f"m-{number}")
    shown = [
        repr(Drainer(post.desk(), Order(mode, 1000, f"run-{mode}"), None).run()) for mode in (Mode.DRAIN, Mode.ARCHIVE)
    ]
    lines = [line for kept in post.archive.objects.values() for line in kept]
    assert {line.letter.message_id for line in lines} == {f"m-{number}" for number in range(len(bodies))}
    assert all(line.letter.body == bodies[int(line.letter.message_id[2:])][1] for line in lines), "kept as it came"
    shown += [json.dumps(show(one), default=str) for one in lines for show in (show_line, _show_letter)]
    shown += [repr(one) for one in post.ledger.entries("dev", limit=1000)]
    shown += [_index(kept, quarantine=False) for kept in post.archive.objects.values()]
    post.ledger.close()
    assert (shown_in(shown), shown_in(files_of(tmp_path))) == ([], [])


def _show_letter(line: ArchiveLine) -> dict[str, object]:
    return show_letter(line.letter)


def _index(lines: tuple[ArchiveLine, ...], *, quarantine: bool) -> str:
    """Tell all that S3 is asked for but the object's content: what anybody sees who may list the bucket."""
    asked: list[object] = []

    class _S3:
        def put_object(self, **request: object) -> None:
            asked.append({name: value for name, value in request.items() if name != "Body"})

    class _Clients:
        s3 = _S3()

    archive = S3DeadLetterArchive(_Clients(), "bucket", "", None, "0")  # type: ignore[arg-type]
    return archive.put(lines, quarantine=quarantine) + repr(asked)
