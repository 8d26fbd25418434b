"""The tables of the alarms' watch, beside those in `schema`, whose metadata they share."""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, String, Table

from namecard_release.ledger.schema import Moment, Words, metadata

# One decision after the bake for each promotion, whoever races for it; the bake's own is in `decisions`.
post_bake_decisions = Table(
    "post_bake_decisions",
    metadata,
    Column("promotion_id", String(120), ForeignKey("promotions.id"), primary_key=True),
    Column("action", String(20), nullable=False),
    Column("reason", Words, nullable=False),
    Column("to_release", String(40)),
    Column("arns", JSON, nullable=False),
    Column("at", Moment, nullable=False),
)

# When something was first noticed about a promotion's run.
watch_marks = Table(
    "watch_marks",
    metadata,
    Column("promotion_id", String(120), ForeignKey("promotions.id"), primary_key=True),
    Column("run_id", String(64), primary_key=True),
    Column("mark", String(500), primary_key=True),
    Column("at", Moment, nullable=False),
)
