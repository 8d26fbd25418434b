"""One process of a race: gets ready, waits for the word on stdin, does one thing to the ledger, prints how it went."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from namecard_release.domain.promotion import Hold, PromotionPhase
from namecard_release.domain.rollback import Action, Decision
from namecard_release.errors import RefusedError
from namecard_release.ledger import migrate  # noqa: F401  imported before the start, so that the race is close
from namecard_release.ledger.open import open_ledger, read_revision
from namecard_release.ledger.sql_ledger import SqlLedger

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def act(ledger: SqlLedger, what: str, name: str) -> str:
    """Do one thing and tell how it went."""
    if what == "decide":
        return str(ledger.record_decision("p-1", Decision(Action.HALT, f"by {name}"), NOW))
    if what == "hold":
        ledger.hold(Hold("staging", "a" * 40, f"by {name}", name, NOW))
        return "held"
    if what == "audit":
        for turn in range(10):
            ledger.hold(Hold("staging", f"{name}-{turn}", "why", name, NOW))
        return "told"
    if what == "move":
        for turn in range(10):
            ledger.move("p-1", PromotionPhase.REQUESTED, NOW, **{name: f"{turn}"})
        return "moved"
    return _ask_for_the_lease(ledger, what, name)


def _ask_for_the_lease(ledger: SqlLedger, what: str, name: str) -> str:
    if what == "queue":
        asked = ledger.queue_lease("staging", name, 60)
        return str(asked[0]) if isinstance(asked, tuple) else "TAKE"
    try:
        ledger.take_lease("staging", name, 60).renew()
    except RefusedError:
        return "refused"
    return "taken"


def main(url: str, what: str, name: str) -> None:
    """Race."""
    ledger = None if what == "open" else open_ledger(url)
    print("ready", flush=True)
    sys.stdin.readline()
    if ledger is None:
        ledger = open_ledger(url)
        print(read_revision(ledger._engine), len(ledger.history()))
    else:
        print(act(ledger, what, name))


if __name__ == "__main__":
    main(*sys.argv[1:])
