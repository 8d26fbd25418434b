"""The lease of an environment: one holder, renewed, expiring by itself, fenced by a growing number."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Row, insert, select, update

from namecard_release.errors import RefusedError, TransientError
from namecard_release.ledger.schema import leases
from namecard_release.ledger.store import Store

_TRIES = 5


class SqlLease:
    """A lease that is held; its token grows with every taking, so that a lost lease is known to be lost."""

    def __init__(self, store: Leases, environment: str, holder: str, token: int, seconds: float) -> None:
        self.holder = holder
        self.token = token
        self._store = store
        self._environment = environment
        self._seconds = seconds

    def renew(self) -> None:
        """Renew the lease, also an expired one that nobody took. Raises RefusedError when somebody else took it."""
        if not self._store.extend_lease(self._environment, self.token, self._seconds):
            raise RefusedError(
                f"{self.holder} no longer has the lease of {self._environment}: it was taken or given back\n"
                "nothing more may be changed there; see 'namecard-release status'"
            )

    def release(self) -> None:
        """Give the lease back; harmless when it was lost."""
        self._store.end_lease(self._environment, self.token)


class Leases(Store):
    """The leases' part of the ledger; a row stays for ever, for its token must only grow."""

    def take_lease(self, environment: str, holder: str, seconds: float, *, force: bool = False) -> SqlLease:
        """Take the environment's lease: free, expired, or the holder's own; `force` takes it from whoever has it.

        Raises RefusedError naming the holder and the moment it expires.
        """
        for _ in range(_TRIES):
            token = self._take_known(environment, holder, seconds, force=force)
            if token is None and self._take_first(environment, holder, seconds):
                token = 1
            if token is not None:
                return SqlLease(self, environment, holder, token, seconds)
        raise TransientError(f"the lease of {environment} is being taken by others: try again")

    def _take_known(self, environment: str, holder: str, seconds: float, *, force: bool) -> int | None:
        moment = self._now().timestamp()
        may = leases.c.environment == environment
        if not force:
            may &= (leases.c.expires_at <= moment) | (leases.c.holder == holder)
        values = {"holder": holder, "expires_at": moment + seconds, "token": leases.c.token + 1}
        with self.writing() as connection:
            token = connection.execute(update(leases).where(may).values(**values).returning(leases.c.token)).scalar()
            row = connection.execute(select(leases).where(leases.c.environment == environment)).first()
        # A row that was made between the two statements may be one that this taker has a right to: it tries again.
        if token is None and row is not None and not force and row.holder != holder and row.expires_at > moment:
            raise RefusedError(_tell(row))
        return token

    def _take_first(self, environment: str, holder: str, seconds: float) -> bool:
        until = self._now().timestamp() + seconds
        row = {"environment": environment, "holder": holder, "token": 1, "expires_at": until}
        return self.insert_new(insert(leases).values(**row))

    def extend_lease(self, environment: str, token: int, seconds: float) -> bool:
        """Move a lease's end; False when the token is no longer the newest."""
        return self._change(environment, token, expires_at=self._now().timestamp() + seconds)

    def end_lease(self, environment: str, token: int) -> bool:
        """End a lease and spend its token, so that it cannot be renewed afterwards; False when it was lost."""
        return self._change(environment, token, expires_at=0.0, token=token + 1)

    def _change(self, environment: str, held: int, **values: float) -> bool:
        own = (leases.c.environment == environment) & (leases.c.token == held)
        with self.writing() as connection:
            return connection.execute(update(leases).where(own).values(**values)).rowcount == 1


def _tell(row: Row[tuple[str, str, int, float]]) -> str:
    until = datetime.fromtimestamp(row.expires_at, UTC)
    return (
        f"{row.environment} is being changed by {row.holder}, whose lease expires at {until:%Y-%m-%d %H:%M:%S} UTC\n"
        "wait for it, or roll back, which takes the lease"
    )
