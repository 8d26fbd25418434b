"""The forms in which a text is written inside of another: base64, URL, JSON, hex. What is secret is not known here."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator
from urllib.parse import quote, quote_plus, unquote

# The shortest base64 that can hold `password=x` and the like; shorter runs are words.
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}")
_HEX = re.compile(r"[0-9a-f]+|[0-9A-F]+")
_TOKEN = re.compile(r"""[^\s"'<>]+""")
_READABLE = re.compile(r"[\t\n\r\x20-\x7e]*")
_URL_SAFE = str.maketrans("-_", "+/")


def encodings_of(value: str) -> frozenset[str]:
    """Give a text in every form that it may stand in: as it is, in a URL, in JSON, hex, and in base64 with whatever
    stands before and after it there.
    """
    raw = value.encode("utf-8", "surrogateescape")
    forms = {value, quote(value, safe=""), quote(value), quote_plus(value), raw.hex(), raw.hex().upper()}
    forms |= {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]}
    forms |= {re.sub("%[0-9A-F]{2}", lambda m: m[0].lower(), form) for form in (quote(value, safe=""), quote(value))}
    return frozenset(forms | set(_base64_forms(raw)))


def _base64_forms(raw: bytes) -> Iterator[str]:
    """Give what is the same in every base64 text that holds these bytes, for each of the three places in a group."""
    for offset in range(3):
        text = base64.b64encode(b"\0" * offset + raw).decode()
        # Characters that hold bits of a neighbour vary: at the front those that share a byte with what stands before.
        start = (0, 2, 3)[offset]
        rest = (offset + len(raw)) % 3
        end = len(text) - (0, 3, 2)[rest]
        core = text[start:end]
        # Less than this would hit common text; it holds six bytes and more.
        if len(core) >= 8:
            yield core
            yield core.replace("+", "-").replace("/", "_")


def read_base64(text: str, is_secret: Callable[[str], bool], mask: str) -> str:
    """Mask each run of base64 whose readable content is secret. Hex digests, words and binary data stay."""

    def judge(match: re.Match[str]) -> str:
        inner = _decode(match[0])
        return mask if inner and is_secret(inner) else match[0]

    return _BASE64.sub(judge, text)


def _decode(run: str) -> str | None:
    if _HEX.fullmatch(run):
        return None
    usable = run.lstrip("/+-_")
    usable = usable[: len(usable) - (len(usable) % 4 == 1)]
    try:
        raw = base64.b64decode(usable.translate(_URL_SAFE) + "=" * (-len(usable) % 4))
        inner = raw.decode("ascii")
    except (binascii.Error, ValueError):
        return None
    return inner if _READABLE.fullmatch(inner) else None


def read_percent(text: str, is_secret: Callable[[str], bool], mask: str) -> str:
    """Mask each word with a URL's escapes whose content is secret when they are read; the rest stays as it is."""

    def judge(match: re.Match[str]) -> str:
        word = match[0]
        inner = unquote(word) if "%" in word else word
        return mask if inner != word and is_secret(inner) else word

    return _TOKEN.sub(judge, text)
