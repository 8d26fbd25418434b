"""The journal of dead letters, written before anything is sent or deleted: a killed run resumes. No payloads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, or_, select, union_all, update

from namecard_release.domain.dead_letter_plans import JournalEntry, JournalState, Known
from namecard_release.domain.dead_letters import DeadLetter, replay_key
from namecard_release.ledger.dead_letter_schema import dead_letters
from namecard_release.ledger.store import Store

_OPEN = (JournalState.INTENDED, JournalState.PRESUMED_SENT)
_ARCHIVED = (JournalState.FILED, JournalState.QUARANTINED)
_ITEM = (dead_letters.c.environment, dead_letters.c.message_id)


class DeadLetters(Store):
    """The dead letters' part of the ledger. Keeps the port `DeadLetterJournal`."""

    def recall(self, environment: str, letters: Sequence[DeadLetter]) -> dict[str, Known]:
        """Give what is known of each letter, by message id; letters of which nothing is known are not in it."""
        keys = {letter.message_id: replay_key(environment, letter) for letter in letters}
        # Only a payload that can carry no key is looked for by its content.
        digests = {letter.message_id: letter.digest for letter in letters if not letter.carries_mark}
        with self.reading() as connection:
            rows = connection.execute(_about(environment, keys, digests)).mappings().all()
        entries = list({row["message_id"]: _read(row) for row in rows}.values())
        by_key, by_digest = defaultdict(list), defaultdict(list)
        for entry in entries:
            by_key[entry.replay_key].append(entry)
            by_digest[entry.digest].append(entry)
        own = {entry.message_id: entry for entry in entries}
        known: dict[str, Known] = {}
        for letter in letters:
            mine = own.get(letter.message_id)
            kin = [*by_key[mine.replay_key if mine is not None else keys[letter.message_id]]]
            kin += [one for one in by_digest[digests.get(letter.message_id, "")] if one not in kin]
            if mine is not None or kin:
                known[letter.message_id] = Known(mine, tuple(kin))
        return known

    def intend(self, entries: Sequence[JournalEntry]) -> frozenset[str]:
        """Write down what is about to be done; gives the ids of the messages that are now their run's to do.

        A message that another run dealt with in between is not among them.
        """
        rows = [_row(entry) for entry in entries]
        if not rows:
            return frozenset()
        with self.writing() as connection:
            # An update of what may be tried again, else nothing: what was dealt with stays as it is.
            insert = _insert_of(connection.dialect.name)
            statement = insert(dead_letters)
            changed = {c.name: statement.excluded[c.name] for c in dead_letters.c if c not in _ITEM}
            statement = statement.on_conflict_do_update(
                index_elements=list(_ITEM),
                set_=changed,
                where=or_(*(dead_letters.c.state == one.value for one in _OPEN)),
            )
            done = connection.execute(statement.returning(dead_letters.c.message_id), rows)
            return frozenset(done.scalars())

    def settle(self, environment: str, message_ids: Sequence[str], at: datetime) -> None:
        """Note that intended replays went out."""
        if not message_ids:
            return
        own = (dead_letters.c.environment == environment) & dead_letters.c.message_id.in_(message_ids)
        with self.writing() as connection:
            change = update(dead_letters).where(own & dead_letters.c.state.in_(_OPEN))
            connection.execute(change.values(state=JournalState.SENT.value, settled_at=at))

    def resent(self, environment: str, message_ids: Sequence[str], run_id: str, at: datetime) -> None:
        """Note that letters which were only archived, or in quarantine, went out from the archive."""
        if not message_ids:
            return
        table = dead_letters.c
        own = (table.environment == environment) & table.message_id.in_(message_ids) & table.state.in_(_ARCHIVED)
        sent = {"state": JournalState.SENT.value, "attempt": table.attempt + 1, "run_id": run_id, "settled_at": at}
        with self.writing() as connection:
            # When it was intended is now: whoever came into the queue before is no return of this replay.
            connection.execute(update(dead_letters).where(own).values(**sent, intended_at=at))

    def presume(self, environment: str, intended_before: datetime, sent_after: datetime, at: datetime) -> int:
        """Call those PRESUMED_SENT that were intended before a moment and cannot have expired; gives their number."""
        table = dead_letters.c
        theirs = (table.environment == environment) & (table.state == JournalState.INTENDED.value)
        theirs &= (table.intended_at < intended_before) & (table.sent_at > sent_after)
        with self.writing() as connection:
            change = update(dead_letters).where(theirs)
            return connection.execute(change.values(state=JournalState.PRESUMED_SENT.value, settled_at=at)).rowcount

    def entries(
        self, environment: str, state: str | None = None, key: str | None = None, limit: int = 100
    ) -> tuple[JournalEntry, ...]:
        """Give entries, the newest first: of one state, of one replay key or message id where given."""
        query = select(dead_letters).where(dead_letters.c.environment == environment)
        if state is not None:
            query = query.where(dead_letters.c.state == state)
        if key is not None:
            own = (
                _ids(environment, dead_letters.c.replay_key == key),
                _ids(environment, dead_letters.c.message_id == key),
            )
            query = query.where(dead_letters.c.message_id.in_(union_all(*own)))
        query = query.order_by(dead_letters.c.intended_at.desc(), dead_letters.c.message_id).limit(limit)
        with self.reading() as connection:
            return tuple(_read(row) for row in connection.execute(query).mappings())


def _about(environment: str, keys: dict[str, str], digests: dict[str, str]) -> Any:
    # One search for each index: as alternatives of one search, SQLite looks through all that the environment has.
    table = dead_letters.c
    sought: list[ColumnElement[bool]] = [
        table.message_id.in_(list(keys)),
        table.replay_key.in_(sorted(set(keys.values()))),
    ]
    if digests:
        sought.append(table.digest.in_(sorted(set(digests.values()))) & ~table.carried)
    return union_all(*(select(dead_letters).where((table.environment == environment) & one) for one in sought))


def _ids(environment: str, condition: ColumnElement[bool]) -> Any:
    return select(dead_letters.c.message_id).where((dead_letters.c.environment == environment) & condition)


def _insert_of(dialect: str) -> Any:
    # Told at the top, both dialects would be loaded by every process.
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as postgresql_insert

        return postgresql_insert
    from sqlalchemy.dialects.sqlite import insert as sqlite_insert

    return sqlite_insert


def _row(entry: JournalEntry) -> dict[str, Any]:
    # Not `asdict`, whose deep copies take longer than the insert.
    return {**vars(entry), "state": entry.state.value}


def _read(row: RowMapping) -> JournalEntry:
    return JournalEntry(**{**row, "state": JournalState(row["state"])})
