"""The ledger over SQLAlchemy, put together from its parts; every write is one transaction."""

from __future__ import annotations

from namecard_release.ledger.decisions import Decisions
from namecard_release.ledger.gates import Gates
from namecard_release.ledger.leases import Leases
from namecard_release.ledger.promotions import Promotions


class SqlLedger(Promotions, Gates, Decisions, Leases):
    """Promotions, gates, decisions, holds and leases in one database: `SqlLedger(engine, now)`."""
