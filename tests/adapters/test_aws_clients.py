"""Moments in AWS answers, in every form that AWS gives them in."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from namecard_release.adapters.aws_clients import AwsClients, parse_moment

MOMENT = datetime(2026, 3, 2, 9, 0, 0, 123000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("told", "moment"),
    [
        (1772442000.123, MOMENT),
        (1772442000, MOMENT.replace(microsecond=0)),
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (-1.0, datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("2026-03-02T09:00:00.123Z", MOMENT),
        ("2026-03-02T17:00:00.123+08:00", MOMENT),
        ("Mon, 02 Mar 2026 09:00:00 GMT", MOMENT.replace(microsecond=0)),
        ("1772442000.123", MOMENT),
    ],
)
def test_a_moment_is_read_in_utc(told: object, moment: datetime) -> None:
    read = parse_moment(told)
    assert read == moment and read.utcoffset() == MOMENT.utcoffset()


def test_no_moment_is_an_error() -> None:
    with pytest.raises(ValueError, match="yesterday"):
        parse_moment("yesterday")


def test_the_clients_read_moments_so() -> None:
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    client = AwsClients("eu-west-1", "http://127.0.0.1:1", keys).cloudwatch
    parser = client._endpoint._response_parser_factory.create_parser("json")  # type: ignore[attr-defined]
    assert parser._timestamp_parser is parse_moment


@pytest.mark.parametrize("url", [None, "http://127.0.0.1:1"])
@pytest.mark.parametrize(("size", "asks"), [(0, False), (4096, False), (1024 * 1024 - 1, False), (1024 * 1024, True)])
def test_a_small_object_is_sent_without_asking_first(size: int, asks: bool, url: str | None) -> None:
    clients = AwsClients("ap-southeast-1", url, {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"})
    requests: list[AWSPreparedRequest] = []

    def answer(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        requests.append(request)
        return AWSResponse(request.url, 200, {"x-amz-request-id": "1"}, _Empty())

    clients.s3.meta.events.register_last("before-send.s3.PutObject", answer)
    clients.s3.put_object(Bucket="namecard-ops-dlq-archive", Key="one", Body=b"x" * size)
    assert ("Expect" in requests[0].headers, len(requests)) == (asks, 1)
    # CloudTrail shows who asked.
    assert requests[0].headers["User-Agent"].decode().startswith("namecard-release Botocore/")


class _Empty:
    """A connection's empty answer."""

    def stream(self) -> list[bytes]:
        return []
