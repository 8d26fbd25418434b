"""Secrets in payloads: by name, by form, in base64 and URL encoding; what is none stays."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest

from namecard_release.adapters.dead_letters.masking import mask_text, mask_value

SECRETS = {
    "password": "correct horse battery",
    "db_password": "hunter2-hunter2",
    "apiKey": "k-0123456789abcdef",
    "token": "t",
    "authorization": "Basic abcdef",
    "cookie": "session=abcdef",
    "cookies": ["session=abcdef"],
    "credentials": {"user": "ada", "value": "abc"},
    "pin": "4711",
}
PLANTED = "password=Zx9-planted-secret"
TOKENS = ["ghp_0123456789abcdefghijABCDEFGHIJ", "AKIAIOSFODNN7EXAMPLE", "eyJhbGciOiJI.eyJzdWIiOiIx.abcdefghijk"]


@pytest.mark.parametrize("name", SECRETS)
def test_what_a_telling_name_holds_is_masked_however_deep(name: str) -> None:
    shown = mask_value({"a": [{name: SECRETS[name], "kept": "plain"}]})
    assert shown == {"a": [{name: "***", "kept": "plain"}]}


@pytest.mark.parametrize("token", TOKENS)
def test_tokens_are_known_by_their_form(token: str) -> None:
    assert token not in json.dumps(mask_value({"note": f"use {token} now"}))


@pytest.mark.parametrize(
    "hidden",
    [
        PLANTED,
        base64.b64encode(PLANTED.encode()).decode(),
        base64.urlsafe_b64encode(PLANTED.encode()).decode(),
        base64.b64encode(PLANTED.encode()).decode().rstrip("="),
        quote(PLANTED, safe=""),
        quote_plus(f"a b {PLANTED}"),
        json.dumps({"password": "Zx9-planted-secret"}),
        base64.b64encode(json.dumps({"password": "Zx9-planted-secret"}).encode()).decode(),
    ],
)
def test_a_secret_is_masked_in_every_coat(hidden: str) -> None:
    shown = json.dumps(mask_value({"note": f"before {hidden} after", "body": hidden}))
    assert "planted" not in shown and hidden not in shown


@pytest.mark.parametrize(
    "text",
    ["a note", "/v1/cards/0123456789abcdef0123", "100%", "1+1", "0123456789abcdef0123456789abcdef01234567", "a%20b"],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert mask_text(text) == text


@pytest.mark.parametrize("value", [None, True, False, 7, 1.5, "", [], {}])
def test_other_values_stay(value: object) -> None:
    assert mask_value(value) == value and mask_value({"password": None, "n": value}) == {"password": None, "n": value}
