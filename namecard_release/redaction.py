"""Secrets taken out of text before anybody keeps or shows it. Deciding what is logged does not belong here."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping

MASK = "***"
_SHORTEST_SECRET = 8

# A value after a telling name: `"..."` with escapes, the same inside a JSON string, '...', or a bare word. After a
# colon a bare word counts only when something stands between, else every `...:secret:name` in an ARN would be hit.
_NAMED = re.compile(
    r"""(?ix)
    (?P<name> (?: password | passwd | passphrase | (?<=_)pass(?==) | secret | token | api[_-]?key | access[_-]?key
                | secret[_-]?key | private[_-]?key | routing[_-]?key | x-amz-signature ) \\*["']? )
    (?: (?P<sep>\s*[=:]\s*) (?P<quoted> "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | \\+"[^"\\]*\\+" )
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
        | npm_[A-Za-z0-9]{36} | sk_live_[A-Za-z0-9]{16,}
        | eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,} )
    """
)
_HOOK = re.compile(r"(hooks\.slack\.com/services/)[A-Za-z0-9/]+")
_PEM_BEGIN = re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----")
_PEM_END = re.compile(r"-----END [A-Z ]{0,30}PRIVATE KEY-----")
_SECRET_NAME = re.compile(r"(?i)(password|passwd|secret|token|api_?key|routing_?key|access_?key)$")


def redact(text: str) -> str:
    """Give the text with passwords, tokens, keys and authorisation headers masked; SHAs, digests and ARNs stay."""
    if "PRIVATE KEY" in text:
        text = _PEM.sub(MASK, text)
    if "://" in text:
        text = _USER_INFO.sub(rf"\g<1>{MASK}", text)
    text = _AUTHORIZATION.sub(rf"\g<1>{MASK}", text)
    text = _BEARER.sub(rf"\g<1>{MASK}", text)
    text = _OPTION.sub(rf"\g<1>{MASK}", text)
    text = _NAMED.sub(_mask_named, text)
    text = _HOOK.sub(rf"\g<1>{MASK}", text)
    return _TOKENS.sub(MASK, text)


def _mask_named(match: re.Match[str]) -> str:
    if match["quoted"] is not None:
        quote = match["quoted"].rstrip("\n")[-1]
        return f"{match['name']}{match['sep']}{quote}{MASK}{quote}"
    # `token: x` is prose as often as not; a secret is longer than that.
    if "=" not in match["bare_sep"] and len(match["bare"]) < 6:
        return match[0]
    return f"{match['name']}{match['bare_sep']}{MASK}"


def secrets_of(env: Mapping[str, str]) -> tuple[str, ...]:
    """List the values in an environment whose names tell that they are secret; short ones would hit common words."""
    return tuple(v for name, v in env.items() if len(v) >= _SHORTEST_SECRET and _SECRET_NAME.search(name))


class LineRedactor:
    """Redacts a text that comes line by line, so that a key of many lines is masked too; knows given secrets."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = tuple(sorted(set(secrets), key=len, reverse=True))
        self._in_key = False

    def __call__(self, line: str) -> str:
        """Give the next line, redacted."""
        if self._in_key:
            self._in_key = _PEM_END.search(line) is None
            return MASK
        for secret in self._secrets:
            line = line.replace(secret, MASK)
        begin = _PEM_BEGIN.search(line)
        self._in_key = begin is not None and _PEM_END.search(line, begin.end()) is None
        return redact(line)


class RedactingFormatter(logging.Formatter):
    """A formatter whose final text, tracebacks and all, is redacted; a filter would miss those."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record and redact the whole."""
        return redact(super().format(record))
