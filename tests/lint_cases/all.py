"""All labelled cases of the lint."""

from __future__ import annotations

from tests.lint_cases import objects, rows, sessions, transactions

CASES = (*transactions.CASES, *rows.CASES, *objects.CASES, *sessions.CASES)
