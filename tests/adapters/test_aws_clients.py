"""Moments in AWS answers, in every form that AWS gives them in."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

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
