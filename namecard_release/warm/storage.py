"""Dagster's PostgreSQL storage, whose daemon keeps its connections; what is stored and how is dagster-postgres's.

dagster-postgres opens a connection for every query, so that runs and code servers keep none. The daemon asks some fifty
times a second when nothing happens: most of its processor time, and of PostgreSQL's, went into greeting each other.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Self

from dagster_postgres.storage import DagsterPostgresStorage
from dagster_postgres.utils import (
    create_pg_engine,
    get_token_provider_from_config,
    pg_url_from_config,
)

from namecard_release.warm.names import KEEP_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dagster._serdes import ConfigurableClassData

# As many as ask at a time when all is calm; more are opened without limit and closed after use. A kept one is tried
# before it is used, and is given up after five minutes: the database may have been moved behind its name.
_POOL: dict[str, Any] = {"pool_size": 4, "max_overflow": -1, "pool_recycle": 300, "pool_pre_ping": True}


class KeepingPostgresStorage(DagsterPostgresStorage):
    """dagster-postgres, which keeps its connections where `NAMECARD_RELEASE_KEEP_CONNECTIONS` is 1."""

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        """Build the storage from `dagster.yaml`'s settings, which are dagster-postgres's own."""
        storage = cls(
            postgres_url=pg_url_from_config(config_value),
            should_autocreate_tables=config_value.get("should_autocreate_tables", True),
            inst_data=inst_data,
            token_provider=get_token_provider_from_config(config_value),
        )
        if os.environ.get(KEEP_VARIABLE) == "1":
            storage._keep_connections()
        return storage

    def _keep_connections(self) -> None:
        # There is no setting for it: Dagster's own web server replaces the engines the same way, by
        # `optimize_for_webserver`, with one connection that is not tried before it is used.
        for one in (self._run_storage, self._event_log_storage, self._schedule_storage):
            one._engine = create_pg_engine(one.postgres_url, one._token_provider, isolation_level="AUTOCOMMIT", **_POOL)
