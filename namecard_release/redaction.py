"""Secrets taken out of text before anybody keeps or shows it. Deciding what is logged does not belong here."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from namecard_release.domain.encodings import encodings_of, read_base64, read_percent

MASK = "***"
_SHORTEST_SECRET = 8
# A secret may be wrapped in base64 inside of a URL; deeper is nobody's accident.
_DEPTH = 2

# A value after a telling name: `"..."` with escapes, the same inside a JSON string, '...', or a bare word. After a
# colon a bare word counts only when something stands between, else every `...:secret:name` in an ARN would be hit.
_NAMED = re.compile(
    r"""(?ix)
    (?P<name> (?: password | passwd | passphrase | (?<=_)pass(?==) | secret | token | api[_-]?key | access[_-]?key
                | (?: secret | private | routing | integration | service | encryption | signing )[_-]?key
                | x-amz-signature ) \\*["']? )
    (?: (?P<sep>\s*[=:]\s*) (?P<quoted> "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | \\+"[^"\\]*\\+"
                              | \\+'[^'\\]*\\+' )
      | (?P<bare_sep> \s{0,3}=(?![=>])\s{0,3} | :\s+ )
        (?! (?:null|none|true|false|undefined)\b ) (?P<bare> [^\s,;&"'<>{}()\[\]]+ ) )
    """
)
_OPTION = re.compile(r"(?i)(--[a-z-]{0,30}(?:password|token|secret)\s+)(?!-)\S+")
_AUTHORIZATION = re.compile(
    r"""(?i)(authorization\\*["']?\s*[:=]\s*\\*["']?)(?:(?:bearer|basic|token|digest)\s+)?[^\s"',]+"""
)
_BEARER = re.compile(r"(?i)\b(bearer\s+)[a-z0-9._~+/=-]{16,}")
_USER_INFO = re.compile(r"(://[^\s/:@]{0,200}:)[^\s/@]{1,500}(?=@)")
_PEM = re.compile(r"-----BEGIN ([A-Z ]{0,30}PRIVATE KEY)-----.*?(?:-----END \1-----|\Z)", re.DOTALL)
_TOKENS = re.compile(
    r"""(?x)
    \b(?: (?:AKIA|ASIA)[A-Z0-9]{16}
        | gh[opsur]_[A-Za-z0-9]{20,} | github_pat_[A-Za-z0-9_]{20,} | glpat-[A-Za-z0-9_-]{20,}
        | xox[a-z]-[A-Za-z0-9-]{10,} | xapp-[A-Za-z0-9-]{10,}
        | npm_[A-Za-z0-9]{36} | sk_live_[A-Za-z0-9]{16,} | AIza[A-Za-z0-9_-]{35}
        | ntn_[A-Za-z0-9]{30,} | secret_[A-Za-z0-9]{40,}
        | R0[A-Z0-9]{30}\b | u\+[A-Za-z0-9_-]{18}\b
        | eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,} )
    """
)
_TOKEN_BEGINS = (
    *("AKIA", "ASIA", "ghp_", "gho_", "ghs_", "ghu_", "ghr_", "github_pat_", "glpat-", "xox", "xapp-", "npm_"),
    *("sk_live_", "AIza", "ntn_", "secret_", "R0", "u+", "eyJ"),
)
# Addresses whose path is the key: who knows them may post.
_HOOK = re.compile(
    r"((?:hooks\.slack\.com/(?:services|workflows|triggers)|pagerduty\.com/(?:integration|x-ere))/)[A-Za-z0-9/_-]+"
)
_PEM_BEGIN = re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----")
_PEM_END = re.compile(r"-----END [A-Z ]{0,30}PRIVATE KEY-----")
_SECRET_NAME = re.compile(r"(?i)(password|passwd|secret|token|api_?key|routing_?key|access_?key)$")


class KnownSecrets:
    """Secrets by their value, masked in whatever form they stand: as they are, base64, URL, JSON or hex."""

    def __init__(self) -> None:
        self._values: frozenset[str] = frozenset()
        self._forms: tuple[str, ...] = ()

    def add(self, values: Iterable[str]) -> None:
        """Know more of them; those under eight characters would hit common words and are left out."""
        values = self._values | {value for value in values if len(value) >= _SHORTEST_SECRET}
        if values != self._values:
            forms = {form for value in values for form in encodings_of(value)}
            # The longest first: one secret may be a part of another.
            self._values, self._forms = values, tuple(sorted(forms, key=len, reverse=True))

    def mask(self, text: str) -> str:
        """Give the text without them."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, MASK)
        return text


# Of this process: who reads a secret tells it, and every text that the process keeps or shows is freed of it.
_KNOWN = KnownSecrets()


def know_secrets(values: Iterable[str]) -> None:
    """Let every text of this process be freed of these values from now on."""
    _KNOWN.add(values)


def redact(text: str) -> str:
    """Give the text with passwords, tokens, keys, authorisation headers and the known secrets masked, also where they
    are wrapped in base64 or in a URL's escapes; SHAs, digests and ARNs stay.
    """
    return _unwrap(_redact_plain(_KNOWN.mask(text)), _DEPTH)


def _unwrap(text: str, depth: int) -> str:
    if depth == 0:
        return text
    text = read_base64(text, lambda inner: _is_secret(inner, depth), MASK)
    return read_percent(text, lambda inner: _is_secret(inner, depth), MASK) if "%" in text else text


def _is_secret(inner: str, depth: int) -> bool:
    return _unwrap(_redact_plain(inner), depth - 1) != inner


def _redact_plain(text: str) -> str:
    if "PRIVATE KEY" in text:
        text = _PEM.sub(MASK, text)
    if "://" in text:
        text = _USER_INFO.sub(rf"\g<1>{MASK}", text)
    for rule in _RULES:
        text = rule.mask(text)
    return text


def _mask_named(match: re.Match[str]) -> str:
    if match["quoted"] is not None:
        quote = match["quoted"].rstrip("\n")[-1]
        return f"{match['name']}{match['sep']}{quote}{MASK}{quote}"
    # `token: x` is prose as often as not; a secret is longer than that.
    if "=" not in match["bare_sep"] and len(match["bare"]) < 6:
        return match[0]
    return f"{match['name']}{match['bare_sep']}{MASK}"


@dataclass(frozen=True)
class _Rule:
    """A pattern with the words that its matches begin with, in lower case unless `exact`.

    Looking for words is some hundred times as fast as trying a pattern at each place of a text.
    """

    pattern: re.Pattern[str]
    begins: tuple[str, ...]
    replace: Callable[[re.Match[str]], str]
    exact: bool = False

    def mask(self, text: str) -> str:
        """Give the text with every match replaced, from left to right, as `sub` would."""
        searched = text if self.exact else text.lower()
        if len(searched) != len(text):
            # A few letters are longer in lower case: places would be wrong.
            return self.pattern.sub(self.replace, text)
        done, parts = 0, []
        for place in sorted(_places(searched, self.begins)):
            match = self.pattern.match(text, place) if place >= done else None
            if match is not None:
                parts += [text[done:place], self.replace(match)]
                done = match.end()
        return "".join([*parts, text[done:]]) if parts else text


def _places(text: str, words: Iterable[str]) -> Iterator[int]:
    for word in words:
        place = text.find(word)
        while place >= 0:
            yield place
            place = text.find(word, place + 1)


def _mask_rest(match: re.Match[str]) -> str:
    return f"{match[1]}{MASK}"


_NAMES = ("password", "passwd", "passphrase", "pass", "secret", "token", "api", "access", "private", "routing")
_RULES = (
    _Rule(_AUTHORIZATION, ("authorization",), _mask_rest),
    _Rule(_BEARER, ("bearer",), _mask_rest),
    _Rule(_OPTION, ("--",), _mask_rest),
    _Rule(_NAMED, (*_NAMES, "integration", "service", "encryption", "signing", "x-amz-signature"), _mask_named),
    _Rule(_HOOK, ("hooks.slack.com", "pagerduty.com"), _mask_rest),
    _Rule(_TOKENS, _TOKEN_BEGINS, lambda _: MASK, exact=True),
)


def secrets_of(env: Mapping[str, str]) -> tuple[str, ...]:
    """List the values in an environment whose names tell that they are secret; short ones would hit common words."""
    return tuple(v for name, v in env.items() if len(v) >= _SHORTEST_SECRET and _SECRET_NAME.search(name))


class LineRedactor:
    """Redacts a text that comes line by line, so that a key of many lines is masked too; knows given secrets."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = KnownSecrets()
        self._secrets.add(secrets)
        self._in_key = False

    def __call__(self, line: str) -> str:
        """Give the next line, redacted."""
        if self._in_key:
            self._in_key = _PEM_END.search(line) is None
            return MASK
        line = self._secrets.mask(line)
        begin = _PEM_BEGIN.search(line)
        self._in_key = begin is not None and _PEM_END.search(line, begin.end()) is None
        return redact(line)


class RedactingFormatter(logging.Formatter):
    """A formatter whose final text, tracebacks and all, is redacted; a filter would miss those."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record and redact the whole."""
        return redact(super().format(record))


def install_redaction() -> None:
    """Redact every log record of this process as it is made, tracebacks too, whatever handler and formatter it meets.

    Calling it again changes nothing.
    """
    former = logging.getLogRecordFactory()
    if getattr(former, "redacts", False):
        return

    def _make(*args: object, **named: object) -> logging.LogRecord:
        record = former(*args, **named)
        _redact_record(record)
        return record

    _make.redacts = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(_make)


def _redact_record(record: logging.LogRecord) -> None:
    try:
        told = record.getMessage()
    except (TypeError, ValueError, KeyError):
        # A message that does not fit its arguments: logging tells that by itself, with both of them.
        told = f"{record.msg} {record.args}"
    clean = redact(told)
    if clean != told:
        record.msg, record.args = clean, ()
    if record.exc_info and record.exc_info[0] is not None:
        # A formatter takes this text in the place of its own.
        record.exc_text = redact(logging.Formatter().formatException(record.exc_info))


def redact_json(value: Any) -> Any:
    """Give a JSON value freed of secrets: its texts, its keys, and whatever a telling key such as `password` holds."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {redact(str(key)): _redact_member(str(key), one) for key, one in value.items()}
    return [redact_json(one) for one in value] if isinstance(value, list | tuple) else value


def _redact_member(key: str, held: Any) -> Any:
    shown = redact_json(held)
    if not isinstance(held, str) or shown != held:
        return shown
    pair = json.dumps({key: held})
    return held if redact(pair) == pair else MASK
