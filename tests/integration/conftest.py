"""Real servers for the adapters: the AWS emulator and PostgreSQL, on free loopback ports, stopped by their own pid."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.config import Config

from namecard_release.sandbox import postgres, processes
from namecard_release.sandbox.emulator_process import REGION, client_environment, endpoint, start_emulator
from namecard_release.sandbox.state import StateStore


@dataclass(frozen=True)
class Emulator:
    """A running emulator: its endpoint, region, and the credentials it takes."""

    endpoint: str
    region: str
    env: dict[str, str]

    def client(self, service: str) -> Any:
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        config = Config(s3={"addressing_style": "path"})
        make: Any = boto3.client
        return make(service, endpoint_url=self.endpoint, region_name=self.region, config=config, **keys)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    folder, port = tmp_path_factory.mktemp("emulator"), processes.free_port()
    entry = start_emulator(folder, port, folder / "log", os.environ["PATH"], save_seconds=0)
    yield Emulator(endpoint(port), REGION, client_environment(port))
    processes.stop(entry)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StateStore]:
    """A PostgreSQL with the platform's role and databases."""
    folder = tmp_path_factory.mktemp("postgres")
    store = StateStore(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(postgres.URL_VARIABLE, raising=False)
        postgres.ensure_postgres(store, folder / "log", {"NAMECARD_SANDBOX_TEST": "adapters"})
    yield store
    postgres.stop_postgres(store)
    postgres.remove_data(store.state.postgres)
