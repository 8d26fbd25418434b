"""Twenty-four secrets planted in texts as they turn up: what must never be kept or shown, and where it stands.

A needle is the secret in the form in which it stands; the last ones are known to the process by their value.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from urllib.parse import quote

KNOWN = 'kN0wn/"S3cr+t"\\=value&one'


@dataclass(frozen=True)
class Planted:
    """A text with a secret in it."""

    name: str
    text: str
    needles: tuple[str, ...]


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _in_base64(before: str, secret: str, after: str) -> tuple[str, str]:
    """Give base64 of a text, and of it what holds nothing but the secret's own bytes."""
    text = _b64(before + secret + after)
    return text, text[-(-len(before) * 8 // 6) : (len(before) + len(secret)) * 8 // 6]


_PASSWORD = "hunter2-Hunter2-HUNTER2"
_AWS_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
_JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
_SLACK = "xoxb-" + "123456789012-abcdefABCDEFghijkl"
_ROUTING = "R0" + "ABCDEFGHIJ" * 3
_PD_TOKEN = "u+AbCdEfGhIjKlMnOpQr"
_NOTION = "ntn_" + "a1B2c3D4e5" * 4
_GITHUB = "ghp_" + "a1B2" * 9
_KEY_BODY = "MIIEowIBAAKCAQEAxyzPLANTED1234567890abcdefghijklmnopqrstuv"
_PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{_KEY_BODY}\n-----END RSA PRIVATE KEY-----"
_URL = f"postgresql://namecard:{_PASSWORD}@db.example:5432/namecard"
_LINE = {
    "level": "error",
    "message": "lambda.invocation.failed",
    "requestId": "5f0e0c1e-0000-4000-8000-000000000000",
    "error": {
        "name": "DbConnectionError",
        "message": f"cannot connect to {_URL}",
        "stack": f"Error: {_URL}\n at x.js:1",
    },
}
_TRACEBACK = f"""Traceback (most recent call last):
  File "app.py", line 7, in connect
    raise OperationalError(dsn)
OperationalError: connection to "host=db password='{_PASSWORD}' user=namecard" failed"""

PLANTED = (
    Planted("password in a URL", f"connecting to {_URL}", (_PASSWORD,)),
    Planted("a traceback", _TRACEBACK, (_PASSWORD,)),
    Planted("a Lambda's log line", json.dumps(_LINE), (_PASSWORD,)),
    Planted("JSON inside of JSON", json.dumps({"body": json.dumps({"password": _PASSWORD})}), (_PASSWORD,)),
    Planted("an environment", f"DB_HOST=db DB_PASSWORD={_PASSWORD} DB_NAME=x", (_PASSWORD,)),
    Planted(
        "a basic header", f"Authorization: Basic {_b64('namecard:' + _PASSWORD)}", (_b64("namecard:" + _PASSWORD),)
    ),
    Planted("a bearer header", f'"authorization": "Bearer {_PD_TOKEN}"', (_PD_TOKEN,)),
    Planted("base64 of a setting", f"data: {_b64('password=' + _PASSWORD)}", (_b64("password=" + _PASSWORD),)),
    Planted("base64 of a URL", f"SGVsbG8= {_b64(_URL)} end", (_b64(_URL)[:40],)),
    Planted("base64url of a key", f"blob {base64.urlsafe_b64encode(_PEM.encode()).decode()}", (_b64(_PEM)[20:80],)),
    Planted("a URL in a URL", f"GET /x?next={quote(_URL, safe='')}&page=2", (_PASSWORD, quote(_PASSWORD))),
    Planted("an AWS key id", "credentials AKIAIOSFODNN7EXAMPLE used", ("AKIAIOSFODNN7EXAMPLE",)),
    Planted("an AWS secret", f'{{"SecretAccessKey": "{_AWS_SECRET}", "x": 1}}', (_AWS_SECRET,)),
    Planted("a signed address", "https://b.s3/x?X-Amz-Signature=0123456789abcdef0123&y=1", ("0123456789abcdef0123",)),
    Planted("a JWT", f"cookie session={_JWT}; path=/", (_JWT, _JWT.split(".")[2])),
    Planted("a Slack token", f"slack said invalid_auth for {_SLACK}", (_SLACK,)),
    Planted("a Slack hook", "POST https://hooks.slack.com/services/T000/B000/abcDEF123ghi", ("abcDEF123ghi",)),
    Planted("a PagerDuty key", f"https://events.pagerduty.com/integration/{_ROUTING}/enqueue", (_ROUTING,)),
    Planted("a PagerDuty token", f"Token token={_PD_TOKEN}", (_PD_TOKEN,)),
    Planted("a Notion token", f"notion {_NOTION} expired", (_NOTION,)),
    Planted("a GitHub token", f"https://x-access-token:{_GITHUB}@github.com/o/r.git", (_GITHUB,)),
    Planted("a private key", f"key is\n{_PEM}\nend", (_KEY_BODY,)),
    Planted("a known value", f"it is {KNOWN}!", (KNOWN,)),
    Planted("a known value in a URL", f"/x?a={quote(KNOWN, safe='')}&b=1", (quote(KNOWN, safe=""),)),
    Planted("a known value in JSON", json.dumps({"a": KNOWN}), (json.dumps(KNOWN)[1:-1],)),
    Planted("a known value in hex", f"dump {KNOWN.encode().hex()}", (KNOWN.encode().hex(),)),
    *(
        Planted(f"a known value in base64, place {n}", f"<{text}>", (core,))
        for n in range(3)
        for text, core in [_in_base64("ab\x01\x02"[: n + 1], KNOWN, "\x03rest")]
    ),
)
