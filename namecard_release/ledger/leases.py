"""The lease of an environment: one holder, renewed, expiring by itself, fenced by a growing number."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from namecard_release.errors import RefusedError
from namecard_release.ledger.schema import leases


class SqlLease:
    """A lease that is held; its token grows with every taking, so that a lost lease is known to be lost."""

    def __init__(
        self, engine: Engine, environment: str, holder: str, token: int, seconds: float, now: Callable[[], datetime]
    ) -> None:
        self.holder = holder
        self.token = token
        self._engine = engine
        self._environment = environment
        self._seconds = seconds
        self._now = now

    def renew(self) -> None:
        """Renew the lease. Raises RefusedError when somebody else took it."""
        until = self._now().timestamp() + self._seconds
        if not self._change(until):
            raise RefusedError(
                f"the lease of {self._environment} was taken from {self.holder}: stop and look at status"
            )

    def release(self) -> None:
        """Give the lease back; harmless when it was lost."""
        self._change(0.0)

    def _change(self, until: float) -> bool:
        own = (leases.c.environment == self._environment) & (leases.c.token == self.token)
        with self._engine.begin() as connection:
            return connection.execute(update(leases).where(own).values(expires_at=until)).rowcount == 1


def take_lease(
    engine: Engine, environment: str, holder: str, seconds: float, now: Callable[[], datetime], *, force: bool
) -> SqlLease:
    """Take a lease that is free, expired or the holder's own; `force` takes it from whoever has it.

    Raises RefusedError naming the holder and the moment it expires.
    """
    moment = now().timestamp()
    values = {"holder": holder, "expires_at": moment + seconds}
    may = leases.c.environment == environment
    if not force:
        may &= (leases.c.expires_at <= moment) | (leases.c.holder == holder)
    with engine.begin() as connection:
        taken = connection.execute(update(leases).where(may).values(token=leases.c.token + 1, **values)).rowcount
        row = connection.execute(select(leases).where(leases.c.environment == environment)).first()
    if taken and row is not None:
        return SqlLease(engine, environment, holder, row.token, seconds, now)
    if row is not None:
        until = datetime.fromtimestamp(row.expires_at, UTC)
        raise RefusedError(
            f"{environment} is being changed by {row.holder} until {until:%H:%M:%S} UTC: wait for it, or roll back"
        )
    try:
        with engine.begin() as connection:
            connection.execute(insert(leases).values(environment=environment, token=1, **values))
    except IntegrityError:
        return take_lease(engine, environment, holder, seconds, now, force=force)
    return SqlLease(engine, environment, holder, 1, seconds, now)
