"""psycopg2 connections whose every wait has an end. What is asked over them does not belong here."""

from __future__ import annotations

from typing import Any

from psycopg2 import extensions as driver

from namecard_release.time_limits import Cut, seconds_left

CONNECT_SECONDS = 5
# A peer that is gone is noticed by the kernel (PostgreSQL documentation, "Parameter Key Words"; milliseconds for the
# last), one that lives and says nothing by ourselves.
KEEPALIVE = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


class LimitedCursor(driver.cursor):
    """A cursor that waits for an answer no longer than its connection says."""

    def execute(self, *words: Any, **named: Any) -> None:
        """Execute. Raises psycopg2.OperationalError when there was no answer in time; the connection is gone then."""
        with _limit(self.connection):
            super().execute(*words, **named)

    def executemany(self, *words: Any, **named: Any) -> None:
        """Execute for each row of values, as `execute` does."""
        with _limit(self.connection):
            super().executemany(*words, **named)


class LimitedConnection(driver.connection):
    """A connection on which nothing is waited for longer than `answer_seconds`, or than a time limit around it."""

    answer_seconds = 30.0

    def cursor(self, *words: Any, **named: Any) -> Any:
        """Give a limited cursor."""
        named.setdefault("cursor_factory", LimitedCursor)
        return super().cursor(*words, **named)

    def commit(self) -> None:
        """Commit, as `execute` does."""
        with _limit(self):
            super().commit()

    def rollback(self) -> None:
        """Roll back, as `execute` does."""
        with _limit(self):
            super().rollback()


def _limit(connection: driver.connection) -> Cut:
    seconds = connection.answer_seconds if isinstance(connection, LimitedConnection) else 30.0
    return Cut(connection.fileno(), seconds_left(seconds))
