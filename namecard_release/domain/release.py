"""What a release is and which text may name one. Resolving a ref against a repository does not belong here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

_SHA = re.compile(r"[0-9a-f]{40}")
# A subset of git-check-ref-format(1): what people type for a commit, and nothing a shell or an option parser reads.
_REF = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./+@-]{0,199}")
_FORBIDDEN_PARTS = ("..", "//", "/.", ".lock/")


@dataclass(frozen=True)
class Release:
    """One commit of the platform; `sha` is the full 40 hex digits, `committed_at` is in UTC."""

    sha: str
    tree: str
    subject: str
    author: str
    committed_at: datetime
    signature: str = "unsigned"

    @property
    def short(self) -> str:
        """The first eight digits, as people see it."""
        return short(self.sha)


def short(sha: str) -> str:
    """Shorten a SHA to the eight digits shown to people."""
    return sha[:8]


def is_sha(text: str) -> bool:
    """Tell whether the text is a full lower-case commit SHA."""
    return _SHA.fullmatch(text) is not None


def explain_bad_ref(text: str) -> str | None:
    """Say why a text cannot name a commit, or None when it may (git-check-ref-format(1), narrowed)."""
    if not text:
        return "it is empty"
    if text.startswith("-"):
        return "it starts with '-', as an option would"
    if _REF.fullmatch(text) is None:
        return "a ref has letters, digits and . _ / + @ - only, 200 at most"
    if any(part in text for part in _FORBIDDEN_PARTS) or text.endswith((".", "/", ".lock")):
        return "git does not allow this as a ref"
    return None
