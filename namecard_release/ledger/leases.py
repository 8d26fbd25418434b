"""The lease of an environment: one holder, renewed, expiring by itself, fenced by a growing number.

Who waits for it stands here too; whose turn it is, is the domain's rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, Row, delete, insert, select, update

from namecard_release.domain.promotion import PromotionKind
from namecard_release.domain.promotion import PromotionPhase as _P
from namecard_release.domain.turns import Queue, Turn, Waiting, judge_turn
from namecard_release.errors import PermanentError, RefusedError, TransientError
from namecard_release.ledger.schema import lease_waits, leases, promotions
from namecard_release.ledger.store import Store
from namecard_release.ledger_port import Lease

_TRIES = 5
_LeaseRow = Row[tuple[str, str, int, float]]


@dataclass(frozen=True)
class SqlLease:
    """A lease that is held; its token grows with every taking, so that a lost lease is known to be lost."""

    store: Leases
    environment: str
    holder: str
    token: int
    seconds: float

    def renew(self) -> None:
        """Renew the lease, also an expired one that nobody took. Raises RefusedError when somebody else took it."""
        if not self.store.extend_lease(self.environment, self.token, self.seconds):
            raise RefusedError(
                f"{self.holder} no longer has the lease of {self.environment}: it was taken or given back\n"
                "nothing more may be changed there; see 'namecard-release status'"
            )

    def release(self) -> None:
        """Give the lease back; harmless when it was lost."""
        self.store.end_lease(self.environment, self.token)


def refuse_lost_lease(connection: Connection, lease: Lease, now: datetime) -> None:
    """Refuse a transaction whose lease was taken, given back, or has expired. Raises RefusedError.

    The row stays locked to the transaction's end, on SQLite by its writing transaction, which has the whole file.
    """
    row = _read_locked(connection, lease.environment)
    if row is None or row.token != lease.token:
        taker = f" by {row.holder}" if row is not None and row.holder != lease.holder else ""
        raise RefusedError(
            f"{lease.holder} may no longer write about {lease.environment}: its lease was taken{taker} or given back"
        )
    if row.expires_at <= now.timestamp():
        raise RefusedError(
            f"{lease.holder} may no longer write about {lease.environment}: "
            f"its lease expired at {_moment(row.expires_at)} and was not renewed"
        )


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

    def queue_lease(self, environment: str, promotion_id: str, seconds: float) -> SqlLease | tuple[Turn, str]:
        """Ask for a lease in the order of the requests: the lease, or WAIT or SUPERSEDED and why.

        Whoever waits keeps its place for at least half of `seconds` after each call, and one that is superseded gives
        its place up. Raises PermanentError for an unknown promotion.
        """
        self._make_row(environment)
        moment = self._now().timestamp()
        why = self._wait_on(environment, promotion_id, moment, seconds)
        if why is not None:
            return Turn.WAIT, why
        with self.writing() as connection:
            row = _read_locked(connection, environment)
            assert row is not None
            _keep_place(connection, environment, promotion_id, moment + seconds)
            queue = _read_queue(connection, row, moment)
            own = next(one for one in queue.waiting if one.promotion == promotion_id)
            turn, why = judge_turn(own, queue)
            if turn is Turn.WAIT:
                return turn, why
            _leave(connection, promotion_id)
            if turn is Turn.SUPERSEDED:
                return turn, why
            values = {"holder": promotion_id, "expires_at": moment + seconds, "token": row.token + 1}
            connection.execute(update(leases).where(leases.c.environment == environment).values(**values))
        return SqlLease(self, environment, promotion_id, row.token + 1, seconds)

    def _wait_on(self, environment: str, promotion_id: str, moment: float, seconds: float) -> str | None:
        """Say why a promotion that keeps its place for long enough still waits; None when it has to write.

        Many that wait would otherwise write each second, and a SQLite file has one writer: some would never come to it.
        """
        with self.reading() as connection:
            row = connection.execute(select(leases).where(leases.c.environment == environment)).first()
            place = select(lease_waits.c.expires_at).where(lease_waits.c.promotion_id == promotion_id)
            until = connection.execute(place).scalar()
            if row is None or until is None or until < moment + seconds / 2:
                return None
            queue = _read_queue(connection, row, moment)
        own = next((one for one in queue.waiting if one.promotion == promotion_id), None)
        turn, why = (None, "") if own is None else judge_turn(own, queue)
        return why if turn is Turn.WAIT else None

    def leave_queue(self, promotion_id: str) -> None:
        """Give a place in a queue up; harmless without one."""
        with self.writing() as connection:
            _leave(connection, promotion_id)

    def revoke_lease(self, environment: str, holder: str) -> bool:
        """Take a lease from its holder for nobody, so that its late writes are refused; False when it has none."""
        own = (leases.c.environment == environment) & (leases.c.holder == holder)
        with self.writing() as connection:
            values = {"expires_at": 0.0, "token": leases.c.token + 1}
            return connection.execute(update(leases).where(own).values(**values)).rowcount == 1

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

    def _make_row(self, environment: str) -> None:
        with self.reading() as connection:
            known = connection.execute(select(leases.c.token).where(leases.c.environment == environment)).first()
        if known is None:
            row = {"environment": environment, "holder": "", "token": 0, "expires_at": 0.0}
            self.insert_new(insert(leases).values(**row))

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


def _read_locked(connection: Connection, environment: str) -> _LeaseRow | None:
    return connection.execute(select(leases).where(leases.c.environment == environment).with_for_update()).first()


def _keep_place(connection: Connection, environment: str, promotion_id: str, until: float) -> None:
    own = lease_waits.c.promotion_id == promotion_id
    if connection.execute(update(lease_waits).where(own).values(expires_at=until)).rowcount:
        return
    if connection.execute(select(promotions.c.id).where(promotions.c.id == promotion_id)).first() is None:
        raise PermanentError(f"the ledger knows no promotion {promotion_id}, which asks for the lease of {environment}")
    row = {"promotion_id": promotion_id, "environment": environment, "expires_at": until}
    connection.execute(insert(lease_waits).values(**row))


def _read_queue(connection: Connection, row: _LeaseRow, moment: float) -> Queue:
    holder = row.holder if row.expires_at > moment else None
    waiting = _read_waiting(connection, row.environment, moment)
    return Queue(row.environment, holder, waiting, _read_newest(connection, row.environment))


def _read_waiting(connection: Connection, environment: str, moment: float) -> tuple[Waiting, ...]:
    query = (
        select(promotions.c.id, promotions.c.release, promotions.c.requested_at)
        .join(lease_waits, lease_waits.c.promotion_id == promotions.c.id)
        .where(lease_waits.c.environment == environment, lease_waits.c.expires_at > moment)
    )
    return tuple(Waiting(row.id, row.release, row.requested_at) for row in connection.execute(query))


def _read_newest(connection: Connection, environment: str) -> Waiting | None:
    began = [phase.value for phase in (_P.DEPLOYING, _P.VERIFYING, _P.BAKING, _P.SUCCEEDED)]
    query = select(promotions.c.id, promotions.c.release, promotions.c.requested_at).where(
        promotions.c.environment == environment,
        promotions.c.kind == PromotionKind.PROMOTION.value,
        promotions.c.phase.in_(began),
        promotions.c.code_changed,
    )
    row = connection.execute(query.order_by(promotions.c.requested_at.desc(), promotions.c.id.desc()).limit(1)).first()
    return None if row is None else Waiting(row.id, row.release, row.requested_at)


def _leave(connection: Connection, promotion_id: str) -> None:
    connection.execute(delete(lease_waits).where(lease_waits.c.promotion_id == promotion_id))


def _moment(timestamp: float) -> str:
    return f"{datetime.fromtimestamp(timestamp, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _tell(row: _LeaseRow) -> str:
    return (
        f"{row.environment} is being changed by {row.holder}, whose lease expires at {_moment(row.expires_at)}\n"
        "wait for it, or roll back, which takes the lease"
    )
