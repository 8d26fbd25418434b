"""Secrets taken out of JSON values, and of text that hides them in base64 or URL encoding; the rest is `redaction`."""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import unquote_plus

from namecard_release.redaction import MASK, redact

_SECRET_KEY = re.compile(
    r"(?i)(pass(word|wd|phrase|code)?|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|routing[_-]?key"
    r"|authorization|cookies?|set-cookie|credentials?|otp|pin|signature)s?$"
)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")


def mask_value(value: object) -> object:
    """Give a JSON value with secrets masked: whatever a telling key holds, and what `mask_text` finds in texts."""
    if isinstance(value, dict):
        return {mask_text(str(key)): _mask_member(str(key), held) for key, held in value.items()}
    if isinstance(value, list):
        return [mask_value(one) for one in value]
    return mask_text(value) if isinstance(value, str) else value


def _mask_member(key: str, held: object) -> object:
    return MASK if held not in (None, "", True, False) and _SECRET_KEY.search(key) else mask_value(held)


def mask_text(text: str) -> str:
    """Give text with secrets masked, also those in base64 or URL encoding; such an encoded part is masked whole."""
    text = redact(text)
    if "%" in text or "+" in text:
        plain = unquote_plus(text)
        if plain != text and redact(plain) != plain:
            return MASK
    return _BASE64.sub(_mask_encoded, text)


def _mask_encoded(match: re.Match[str]) -> str:
    shown = match[0].replace("-", "+").replace("_", "/").rstrip("=")
    try:
        plain = base64.b64decode(shown + "=" * (-len(shown) % 4), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return match[0]
    return MASK if redact(plain) != plain else match[0]
