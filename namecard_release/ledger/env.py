"""What Alembic runs to migrate: the connection is handed over by `migrate`, or made from `-x url=` by hand."""

from __future__ import annotations

from alembic import context

from namecard_release.ledger.open import make_engine
from namecard_release.ledger.tables import metadata


def run() -> None:
    """Migrate on the given connection, inside its transaction."""
    connection = context.config.attributes.get("connection")
    if connection is None:
        connection = make_engine(context.get_x_argument(as_dictionary=True)["url"]).connect()
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


run()
