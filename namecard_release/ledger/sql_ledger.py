"""The ledger over SQLAlchemy, put together from its parts; every write is one transaction."""

from __future__ import annotations

from copy import copy
from typing import Self

from namecard_release.ledger.audit import Audit
from namecard_release.ledger.dead_letters import DeadLetters
from namecard_release.ledger.decisions import Decisions
from namecard_release.ledger.fast_path import FastPaths
from namecard_release.ledger.gates import Gates
from namecard_release.ledger.heartbeats import Heartbeats
from namecard_release.ledger.incidents import Incidents
from namecard_release.ledger.leases import Leases, refuse_lost_lease
from namecard_release.ledger.mitigations import Mitigations
from namecard_release.ledger.people import People
from namecard_release.ledger.promotions import Promotions
from namecard_release.ledger.waivers import Waivers
from namecard_release.ledger.watch import Watches
from namecard_release.ledger_port import Lease


class SqlLedger(
    Promotions,
    Gates,
    Waivers,
    Decisions,
    Leases,
    Heartbeats,
    People,
    Audit,
    FastPaths,
    DeadLetters,
    Watches,
    Incidents,
    Mitigations,
):
    """Promotions, gates, decisions, holds, leases, people's words, incidents and mitigations in one database:
    `SqlLedger(engine, now)`.
    """

    def fenced(self, lease: Lease) -> Self:
        """Give the same ledger, whose every write is refused once the lease is lost.

        The lease's row is looked at and locked in the transaction of the write itself: nobody can take it in between.
        """
        fenced = copy(self)
        fenced._fence = lambda connection: refuse_lost_lease(connection, lease, self._now())
        return fenced
