"""Every table of the ledger, loaded by importing this module, to migrate and to compare. Add each tables module."""

from __future__ import annotations

from namecard_release.ledger import fast_path_tables, outbox_tables, schema

TABLES = (schema, outbox_tables, fast_path_tables)
metadata = schema.metadata
