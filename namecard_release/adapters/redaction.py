"""The former place of `namecard_release.redaction`, for code that still names it. Nothing new belongs here."""

from __future__ import annotations

from namecard_release.redaction import LineRedactor, RedactingFormatter, redact, secrets_of

__all__ = ["LineRedactor", "RedactingFormatter", "redact", "secrets_of"]
