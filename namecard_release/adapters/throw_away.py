"""Throw-away databases on a server whose role has CREATEDB. What is done in one does not belong here."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from namecard_release.adapters.postgres import connected
from namecard_release.errors import TransientError

if TYPE_CHECKING:
    from psycopg2.extensions import cursor

_NAME = re.compile(r"namecard_trial_(\d+)_[0-9a-f]{12}")
_LEFT_OVER_SECONDS = 3600


@contextmanager
def throw_away(url: str, template: str = "template0") -> Iterator[str]:
    """Make a database on a server for the length of a block and give its name; it is dropped whatever happens.

    `template` is the database that it starts as a copy of; nobody may be connected to that one.
    """
    import psycopg2

    name = f"namecard_trial_{int(time.time())}_{secrets.token_hex(6)}"
    with connected(url) as link, link.cursor() as session:
        _drop_left_overs(session)
        # template0 is never in use, so that trials side by side do not refuse each other.
        session.execute(f"create database {name} template {template}")
    try:
        yield name
    finally:
        # A drop that fails must not hide the trial's result; a later trial drops what was left over.
        with suppress(psycopg2.Error, TransientError), connected(url) as link, link.cursor() as session:
            session.execute(f"drop database if exists {name} with (force)")


def _drop_left_overs(session: cursor) -> None:
    import psycopg2

    session.execute("select datname from pg_database where datname like 'namecard\\_trial\\_%'")
    for (name,) in session.fetchall():
        if is_left_over(name, time.time()):
            # Another role's left-overs are that role's to drop.
            with suppress(psycopg2.Error):
                session.execute(f"drop database if exists {name} with (force)")


def is_left_over(name: str, now: float) -> bool:
    """Tell whether a database is a trial's of more than an hour ago, by the epoch seconds in its name."""
    match = _NAME.fullmatch(name)
    return match is not None and now - int(match[1]) > _LEFT_OVER_SECONDS
