"""Dead letters on the emulator: real failures of real functions, the queue, the archive, both ways back."""

from __future__ import annotations

import contextlib
import io
import json
import os
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from benchmarks.dlq_ground import ACCOUNT, BUCKET, QUEUE, Ground, empty, lay, letter_body, request_id
from namecard_release.adapters.aws_clients import AwsClients
from namecard_release.adapters.dead_letters.archive import S3DeadLetterArchive
from namecard_release.adapters.dead_letters.ways import QueueWay
from namecard_release.dlq_composition import build_desk, build_request_log
from namecard_release.dlq_port import ArchiveLine, Replay
from namecard_release.domain.dead_letter_plans import Action, Mode
from namecard_release.domain.dead_letters import BodyFormat, Target
from namecard_release.domain.gates import Verdict
from namecard_release.errors import MisuseError, PermanentError, RefusedError
from namecard_release.ledger.open import open_ledger
from namecard_release.sandbox import processes
from namecard_release.sandbox.buckets import ensure_bucket
from namecard_release.sandbox.emulator_process import REGION, client_environment, endpoint, start_emulator
from namecard_release.settings import load_settings
from namecard_release.workflow.dead_letters import Desk, Order, sample
from namecard_release.workflow.draining import Done, Drainer

HANDLER = """
import json

def handler(event, context):
    mark = event.get("namecardReplay")
    print("seen " + json.dumps([event.get("n"), mark and mark["key"]]))
    if event.get("poison") or not mark:
        raise ConnectionError("the database timed out")
    return {}
"""


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    folder, port = tmp_path_factory.mktemp("letters"), processes.free_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAMBDA_ASYNC_RETRY_BASE_SECONDS", "0.05")
        entry = start_emulator(folder / "emulator", port, folder / "log", os.environ["PATH"], save_seconds=0)
    laid = lay(port, folder, target="function", target_queue=None, threads=2, sample_hide_seconds=30)
    _fail(laid)
    yield laid
    processes.stop(entry)


def _fail(ground: Ground) -> None:
    """Give the search function code that fails unless it is a replay, and the queue for its dead letters."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("index.py", HANDLER)
    functions = ground.client("lambda")
    functions.update_function_code(FunctionName="search-fn", ZipFile=archive.getvalue())
    target = {"TargetArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{QUEUE}"}
    functions.update_function_configuration(FunctionName="search-fn", DeadLetterConfig=target)


@pytest.fixture
def desk(ground: Ground) -> Iterator[Desk]:
    loaded = load_settings(ground.settings)
    ledger = open_ledger(loaded.paths.ledger_url)
    empty(ground, QUEUE)
    yield build_desk(loaded, "dev", ledger)
    ledger.close()


def drain(desk: Desk, mode: Mode = Mode.DRAIN, run_id: str = "run") -> Done:
    return Drainer(desk, Order(mode, 1000, run_id), None).run()


def invoke(ground: Ground, event: object) -> None:
    payload = json.dumps(event).encode()
    ground.client("lambda").invoke(FunctionName="search-fn", InvocationType="Event", Payload=payload)


def wait_until(done: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.1)


def seen_by_function(ground: Ground) -> list[tuple[int, str | None]]:
    logs = ground.client("logs")
    events = logs.filter_log_events(logGroupName="/aws/lambda/search-fn")["events"]
    told = [one["message"] for one in events if one["message"].startswith("seen ")]
    return [tuple(json.loads(text.removeprefix("seen ").strip())) for text in told]


def test_a_failed_invocation_is_sampled_and_replayed(ground: Ground, desk: Desk) -> None:
    invoke(ground, {"n": 1, "rawPath": "/v1/search/items"})
    wait_until(lambda: desk.ports.queue.depth().visible == 1, "the dead letter")
    for _ in range(2):
        # Looked at twice, at once: a sample keeps nothing to itself.
        (seen,) = sample(desk, Order(Mode.DRAIN, 10, "run"), None).planned
    assert (seen.letter.body_format, seen.letter.code, seen.service) == (BodyFormat.RAW, "200", "search")
    assert "timed out" in seen.letter.error_message
    assert (seen.plan.action, seen.plan.target) == (Action.REPLAY, Target("search-fn", "search"))
    done = drain(desk)
    assert (done.verdict, done.counts["replayed"]) == (Verdict.PASSED, 1)
    wait_until(lambda: (1, seen.plan.key) in seen_by_function(ground), "the replay")
    assert desk.ports.queue.depth().total == 0


def test_poison_ends_in_quarantine(ground: Ground, desk: Desk) -> None:
    invoke(ground, {"n": 2, "poison": True, "rawPath": "/v1/search"})
    counts: dict[str, int] = {}
    for turn in range(3):
        wait_until(lambda: desk.ports.queue.depth().visible == 1, "the dead letter")
        counts = drain(desk, run_id=f"run-{turn}").counts
    assert counts["quarantined"] == 1
    (entry,) = desk.ports.journal.entries("dev", state="QUARANTINED")
    (line,) = desk.ports.archive.read(entry.archive)
    assert entry.archive.startswith("dead-letters/quarantine/env=dev/service=search/date=")
    assert json.loads(line.letter.body)["namecardReplay"] == {"key": entry.replay_key, "replays": 2}


def test_a_record_for_destinations_is_read(ground: Ground, desk: Desk) -> None:
    ground.client("sqs").send_message(QueueUrl=ground.url(QUEUE), MessageBody=letter_body(7, "one"))
    (seen,) = sample(desk, Order(Mode.DRAIN, 10, "run"), None).planned
    letter = seen.letter
    assert (letter.body_format, letter.request_id) == (BodyFormat.ENVELOPE, request_id(7, "one"))
    assert (letter.error_name, letter.code, seen.service) == ("DbConnectionError", "200", "cards")
    assert json.loads(letter.payload)["n"] == 7
    assert abs((letter.sent_at - datetime.now(UTC)).total_seconds()) < 60


def _line(desk: Desk) -> ArchiveLine:
    (seen,) = sample(desk, Order(Mode.DRAIN, 1, "run"), None).planned
    moment = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    return ArchiveLine(seen.letter, "dev", "cards", "nr-1", "archive", "why", 0, moment, "run")


def test_what_is_archived_is_read_back_as_it_was(ground: Ground, desk: Desk) -> None:
    body = letter_body(7, "two")
    attributes: Any = {"Note": {"DataType": "String", "StringValue": "ä"}}
    url = ground.url(QUEUE)
    ground.client("sqs").send_message(QueueUrl=url, MessageBody=body, MessageAttributes=attributes)
    line = _line(desk)
    archive = desk.ports.archive
    key = archive.put([line, replace(line, replay_key="nr-2")], quarantine=False)
    assert key.startswith("dead-letters/env=dev/service=cards/date=2026-03-02/hour=09/")
    assert archive.read(key) == (line, replace(line, replay_key="nr-2"))
    assert line.letter.body == body and line.letter.attributes == {"Note": "ä"}
    assert key in list(archive.list_keys("dev", "cards", "2026-03-02", quarantine=False))
    assert list(archive.list_keys("dev", "cards", "2026-03-03", quarantine=False)) == []
    assert key not in list(archive.list_keys("dev", "cards", None, quarantine=True))
    told = ground.client("s3").head_object(Bucket=BUCKET, Key=key)
    assert told["ServerSideEncryption"] == "AES256"


def test_a_bucket_that_is_there_is_left_as_it_is(ground: Ground) -> None:
    s3 = ground.client("s3")
    s3.put_object(Bucket=BUCKET, Key="kept", Body=b"kept")
    ensure_bucket(endpoint(ground.port), BUCKET)
    assert s3.get_object(Bucket=BUCKET, Key="kept")["Body"].read() == b"kept"


def test_an_archive_that_is_not_there_is_told(ground: Ground, desk: Desk) -> None:
    with pytest.raises(RefusedError, match="no object nowhere"):
        desk.ports.archive.read("nowhere")
    ground.client("s3").put_object(Bucket=BUCKET, Key="junk", Body=b"junk")
    with pytest.raises(PermanentError, match="no archive of dead letters"):
        desk.ports.archive.read("junk")


def test_without_its_bucket_nothing_is_sent_or_deleted(ground: Ground, desk: Desk) -> None:
    ground.client("sqs").send_message(QueueUrl=ground.url(QUEUE), MessageBody=letter_body(7, "three"))
    clients = AwsClients(REGION, endpoint(ground.port), client_environment(ground.port))
    archive = S3DeadLetterArchive(clients, "no-such-bucket", "")
    with pytest.raises(PermanentError, match="NoSuchBucket"):
        drain(replace(desk, ports=replace(desk.ports, archive=archive)))
    assert desk.ports.queue.depth().total == 1


def test_a_queue_that_is_not_there_is_told(desk: Desk, ground: Ground) -> None:
    from namecard_release.adapters.dead_letters.bodies import BodyReader
    from namecard_release.adapters.dead_letters.queue import SqsDeadLetterQueue

    clients = AwsClients(REGION, endpoint(ground.port), client_environment(ground.port))
    with pytest.raises(RefusedError, match="there is no queue nowhere"):
        SqsDeadLetterQueue(clients, "nowhere", BodyReader(())).depth()


def test_letters_that_an_expression_of_the_settings_fails_on_are_shown_again(desk: Desk, ground: Ground) -> None:
    from namecard_release.adapters.dead_letters.bodies import BodyReader
    from namecard_release.adapters.dead_letters.filters import make_prober
    from namecard_release.adapters.dead_letters.queue import SqsDeadLetterQueue

    ground.client("sqs").send_message(QueueUrl=ground.url(QUEUE), MessageBody='{"bare": true}')
    clients = AwsClients(REGION, endpoint(ground.port), client_environment(ground.port))
    prober = make_prober(["starts_with(error.name, 'Db')"], {})
    with pytest.raises(MisuseError, match="cannot be evaluated"):
        SqsDeadLetterQueue(clients, QUEUE, BodyReader((), prober)).receive(10, 300)
    (letter,) = desk.ports.queue.receive(10, 0)
    assert letter.letter.receives == 2


def test_a_fifo_queue_drops_the_same_replay(ground: Ground, desk: Desk) -> None:
    sqs = ground.client("sqs")
    sqs.create_queue(QueueName="replays.fifo", Attributes={"FifoQueue": "true"})
    sqs.send_message(QueueUrl=ground.url(QUEUE), MessageBody=letter_body(7, "four"))
    letter = _line(desk).letter
    clients = AwsClients(REGION, endpoint(ground.port), client_environment(ground.port))
    way = QueueWay(clients, "replays.fifo")
    for _ in range(2):
        assert way.send([Replay(letter, Target("cards-fn", "cards"), "nr-1", 1)]) == ()
    answer = sqs.receive_message(
        QueueUrl=ground.url("replays.fifo"), MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    )
    (message,) = answer["Messages"]
    assert message["MessageAttributes"]["ReplayKey"]["StringValue"] == "nr-1"
    assert json.loads(message["Body"])["namecardReplay"] == {"key": "nr-1", "replays": 1}


def test_failed_requests_are_read_from_the_log(ground: Ground) -> None:
    logs, group = ground.client("logs"), "/aws/lambda/cards-fn"
    now = datetime.now(UTC)
    failed = {"message": "lambda.invocation.failed", "timestamp": now.isoformat(), "requestId": "r-1"}
    lines = [
        json.dumps({**failed, "data": {"path": "/dev/v1/cards/1", "durationMs": 1}, "error": {"name": "TypeError"}}),
        json.dumps({**failed, "message": "lambda.invocation.started", "data": {"path": "/dev/v1/cards/2"}}),
        "no json about lambda.invocation.failed",
    ]
    with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="one")
    moment = int(now.timestamp() * 1000)
    events = [{"timestamp": moment, "message": line} for line in lines]
    logs.put_log_events(logGroupName=group, logStreamName="one", logEvents=events)
    log = build_request_log(load_settings(ground.settings), "dev")
    read = log.read(now - timedelta(minutes=1), None, 100)
    assert [(one.path, one.error) for one in read.requests] == [("/dev/v1/cards/1", "TypeError")]
    assert read.malformed == 1
    assert log.read(now - timedelta(minutes=1), "auth", 100).requests == ()
    assert log.read(now + timedelta(minutes=1), "cards", 100).requests == ()


def test_a_function_that_is_gone_is_a_lasting_refusal(ground: Ground, desk: Desk) -> None:
    ground.client("sqs").send_message(QueueUrl=ground.url(QUEUE), MessageBody=letter_body(7, "five"))
    letter = _line(desk).letter
    (failure,) = desk.ports.way.send([Replay(letter, Target("gone-fn", "cards"), "nr-1", 1)])
    assert not failure.transient and "gone-fn" in failure.reason
