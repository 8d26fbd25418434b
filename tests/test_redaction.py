"""What is masked, and what must stay readable."""

import logging
import time

import pytest

from namecard_release.redaction import LineRedactor, RedactingFormatter, redact, secrets_of

SECRET = "hunter2hunter2"
KEY_ID = "AKIA" + "ABCDEFGHIJKLMNOP"
GITHUB = "ghp_" + "a1B2" * 9
SLACK = "xoxb-" + "123456789012-abcdefABCDEF"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpQ\nhunter2hunter2\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"password={SECRET}", SECRET),
        (f"DB_PASSWORD={SECRET} next", SECRET),
        (f"DB_PASS={SECRET}", SECRET),
        (f"host=x password='{SECRET} two' user=y", f"{SECRET} two"),
        (f"Password: {SECRET}", SECRET),
        (f'{{"password": "{SECRET}", "a": 1}}', SECRET),
        (f'{{"password":"ab\\"{SECRET}"}}', SECRET),
        (f'{{"body":"{{\\"password\\":\\"{SECRET}\\"}}"}}', SECRET),
        (f"{{'dbSecret': '{SECRET}'}}", SECRET),
        (f"AWS_SECRET_ACCESS_KEY={SECRET}", SECRET),
        (f"aws_session_token = {SECRET}", SECRET),
        (f"postgresql://user:{SECRET}@host:5432/db", SECRET),
        (f"fatal: https://x-access-token:{SECRET}@github.com/o/r.git", SECRET),
        (f"https://api.example.com/x?token={SECRET}&page=2", SECRET),
        (f"https://bucket/x?X-Amz-Signature={SECRET}&y=1", SECRET),
        (f"Authorization: Bearer {SECRET}", SECRET),
        (f'"authorization":"Basic {SECRET}"', SECRET),
        (f"authorization: {SECRET}", SECRET),
        (f"sent bearer {SECRET}abcdef", SECRET),
        (f"tool --db-password {SECRET} run", SECRET),
        (f"key {KEY_ID} used", KEY_ID),
        (f"push with {GITHUB}.", GITHUB),
        (f"slack {SLACK}", SLACK),
        ("post to https://hooks.slack.com/services/T0/B0/abcDEF123", "abcDEF123"),
        (f"routing_key={SECRET}", SECRET),
        (f"jwt {JWT}", JWT),
        (f"before {PEM} after", SECRET),
        ("-----BEGIN PRIVATE KEY-----\nhunter2hunter2 cut", SECRET),
    ],
)
def test_secrets_are_masked(text: str, secret: str) -> None:
    shown = redact(text)
    assert secret not in shown
    assert "***" in shown
    assert redact(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "commit 8b1a9953c4611296a827abf8c47804d7e6f5d3c1",
        "sha256:" + "0123456789abcdef" * 4,
        "arn:aws:secretsmanager:ap-southeast-1:123456789012:secret:namecard/database/staging-AbCdEf",
        "arn:aws:iam::123456789012:role/cdk-namecard-deploy-role-123456789012-ap-southeast-1",
        "arn:aws:cloudwatch:ap-southeast-1:123456789012:alarm:NameCardApi-prod-AuthServiceErrorsAlarm1A2B3C4D-XY",
        "DB_SECRET_ARN=arn:aws:secretsmanager:ap-southeast-1:123456789012:secret:namecard/database/dev",
        "http://127.0.0.1:4566/_aws/execute-api/abc/dev/v1/auth/health",
        "ssh://git@github.com/o/r.git and git@github.com:o/r.git",
        '"password": null, "token": false',
        "# pass 12\n# fail 0",
        "PWD=/srv/checkout",
        "password: none",
        "2025-01-01T0000__auth__add-password-column.sql",
        "Authorizer: MyAuthorizer",
        "5 tokens left; secrets are rotated; a password is needed",
        "NameCardApi-staging | 3/7 | UPDATE_COMPLETE | AWS::Lambda::Function | AuthServiceFunction",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    ],
)
def test_harmless_text_stays(text: str) -> None:
    assert redact(text) == text


def test_quotes_stay_so_that_json_stays_json() -> None:
    assert redact('{"password": "x", "user": "u"}') == '{"password": "***", "user": "u"}'


@pytest.mark.parametrize("text", ["a" * 200_000, "password" * 20_000, "a-" * 100_000, '"\\' * 100_000, "://" * 60_000])
def test_hostile_text_takes_no_longer_than_its_length(text: str) -> None:
    started = time.monotonic()
    redact(text)
    assert time.monotonic() - started < 2


def test_a_key_over_several_lines_is_masked_line_by_line() -> None:
    lines = [*PEM.splitlines(), "after"]
    redactor = LineRedactor()
    assert [redactor(line) for line in lines][1:] == ["***", "***", "***", "after"]


def test_given_secrets_are_masked_wherever_they_stand() -> None:
    secrets = secrets_of({"DB_PASSWORD": SECRET, "AWS_SECRET_ACCESS_KEY": "test", "NAME": "ordinary-name"})
    assert secrets == (SECRET,)
    assert LineRedactor(secrets)(f"it is {SECRET}!") == "it is ***!"


def test_the_formatter_redacts_tracebacks_too() -> None:
    formatter = RedactingFormatter("%(levelname)s %(message)s")
    try:
        raise ValueError(f"password={SECRET}")
    except ValueError as error:
        info = (ValueError, error, error.__traceback__)
    record = logging.LogRecord("n", logging.ERROR, "f", 1, "failed with token=%s", (SECRET,), info)
    text = formatter.format(record)
    assert SECRET not in text
    assert text.startswith("ERROR failed with token=***")
    assert "Traceback" in text
