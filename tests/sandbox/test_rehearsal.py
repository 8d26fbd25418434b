"""The sample platform's own scenarios as the test of a rehearsal: release B's code on the schemas of B and D."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from namecard_release.adapters.commands import ProcessRunner
from namecard_release.adapters.git import GitRepository
from namecard_release.adapters.rehearsal import PostgresRehearsal
from namecard_release.sandbox import postgres
from namecard_release.sandbox.seed import SeededRepository, seed_repository
from namecard_release.sandbox.settings_file import REHEARSAL
from namecard_release.sandbox.state import StateStore
from namecard_release.sandbox.toolchain import ensure_toolchain
from namecard_release.settings import Platform
from namecard_release.workflow.rehearsing import variables


@dataclass(frozen=True)
class House:
    """B installed, the history it is in, and a server for throw-away databases."""

    folder: Path
    seeded: SeededRepository
    repository: GitRepository
    runner: ProcessRunner
    server: PostgresRehearsal


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    store = StateStore(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(postgres.URL_VARIABLE, raising=False)
        postgres.ensure_postgres(store, folder / "log", {"NAMECARD_SANDBOX_TEST": "rehearsal"})
    try:
        seeded = seed_repository(folder / "platform")
        repository = GitRepository(str(seeded.path), folder / "work")
        runner = ProcessRunner(path=ensure_toolchain().folders)
        worktree = repository.checkout(repository.resolve(seeded["B"]).sha)
        platform = Platform(repository="x")
        for command in (platform.install, *platform.prepare):
            done = runner.run(command.argv, worktree, {}, 300)
            assert done.exit_code == 0, done.tail
        server = PostgresRehearsal(store.state.database_url("test"))
        yield House(worktree, seeded, repository, runner, server)
    finally:
        postgres.stop_postgres(store)
        postgres.remove_data(store.state.postgres)


@pytest.mark.parametrize(
    ("letter", "code", "words"),
    [
        pytest.param("B", 0, "ok POST /v1/cards 201", id="on its own schema"),
        pytest.param("D", 1, "jobTitle", id="on the schema without the column that it reads"),
    ],
)
def test_the_scenarios_of_b(house: House, letter: str, code: int, words: str) -> None:
    files = house.repository.migration_files(house.seeded[letter])
    with house.server.stage(files) as staged:
        done = house.runner.run(REHEARSAL, house.folder, variables(staged.address), 120)
        assert staged.was_used()
    assert (done.exit_code, any(words in line for line in done.tail)) == (code, True), done.tail
