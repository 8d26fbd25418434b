"""The sandbox's Dagster as production runs it: the instance of `deploy/dagster.yaml`, its stores in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from namecard_release.errors import PermanentError
from namecard_release.sandbox.state import SandboxState

_FILE = Path(__file__).parents[2] / "deploy" / "dagster.yaml"


def read_instance() -> str:
    """Read the instance of production. Raises PermanentError when it is not beside the package."""
    try:
        return _FILE.read_text(encoding="utf-8")
    except OSError as error:
        raise PermanentError(
            f"{_FILE} cannot be read ({error.strerror}): run from a checkout of this project"
        ) from None


def storage_environment(state: SandboxState) -> Mapping[str, str]:
    """Give the variables by which that instance finds its database."""
    url = urlsplit(state.database_url("dagster"))
    return {
        "DAGSTER_PG_HOST": url.hostname or "",
        "DAGSTER_PG_PORT": str(url.port or 5432),
        "DAGSTER_PG_USER": unquote(url.username or ""),
        "DAGSTER_PG_PASSWORD": unquote(url.password or ""),
        "DAGSTER_PG_DB": url.path.removeprefix("/"),
    }
