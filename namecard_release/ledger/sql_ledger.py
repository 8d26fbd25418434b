"""The ledger over SQLAlchemy, put together from its parts; every write is one transaction."""

from __future__ import annotations

from namecard_release.ledger.audit import Audit
from namecard_release.ledger.decisions import Decisions
from namecard_release.ledger.gates import Gates
from namecard_release.ledger.leases import Leases
from namecard_release.ledger.people import People
from namecard_release.ledger.promotions import Promotions
from namecard_release.ledger.waivers import Waivers


class SqlLedger(Promotions, Gates, Waivers, Decisions, Leases, People, Audit):
    """Promotions, gates, waivers, decisions, holds and leases in one database: `SqlLedger(engine, now)`."""
