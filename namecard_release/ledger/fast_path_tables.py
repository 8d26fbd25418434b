"""The table of fast paths' steps. Reading and writing it is in `fast_path`."""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, Integer, String, Table

from namecard_release.ledger.schema import Moment, Words, metadata

fast_path_steps = Table(
    "fast_path_steps",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("promotion_id", String(120), ForeignKey("promotions.id"), nullable=False, index=True),
    Column("purpose", String(10), nullable=False),
    Column("step", JSON, nullable=False),
    Column("state", String(10), nullable=False),
    Column("reason", Words, nullable=False),
    Column("intended_at", Moment, nullable=False),
    Column("ended_at", Moment),
)
