"""Every table of the ledger, loaded by importing this module, to migrate and to compare. Add each tables module."""

from __future__ import annotations

from namecard_release.ledger import (
    dead_letter_schema,
    fast_path_tables,
    incident_tables,
    mitigation_tables,
    outbox_tables,
    schema,
)

TABLES = (schema, outbox_tables, fast_path_tables, dead_letter_schema, incident_tables, mitigation_tables)
metadata = schema.metadata
