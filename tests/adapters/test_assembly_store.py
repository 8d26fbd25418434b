"""Assemblies kept by their content."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from namecard_release.adapters.assembly_store import FileAssemblyStore, digest_folder
from namecard_release.domain.assembly import Assembly
from namecard_release.errors import PermanentError
from tests.adapters.assemblies import MIGRATION, write_assembly

NOW = datetime(2025, 1, 1, tzinfo=UTC)
RELEASE = "a" * 40


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return write_assembly(tmp_path / "out")


@pytest.fixture
def store(tmp_path: Path) -> FileAssemblyStore:
    return FileAssemblyStore(tmp_path / "store")


def keep(store: FileAssemblyStore, out: Path, inputs: str = "i", now: datetime = NOW) -> Assembly:
    return store.put(out, RELEASE, "staging", inputs, now)


def test_what_was_put_is_got(store: FileAssemblyStore, out: Path, tmp_path: Path) -> None:
    put = keep(store, out)
    assert store.get(put.digest) == put
    assert put.path == str(tmp_path / "store" / put.digest)
    assert (put.release, put.environment, put.inputs, put.built_at) == (RELEASE, "staging", "i", NOW)
    assert put.stacks == ("NameCardDb-staging", "NameCardApi-staging")
    assert put.migrations == (MIGRATION,)
    assert digest_folder(Path(put.path)) == put.digest


def test_the_same_content_twice_is_harmless(store: FileAssemblyStore, out: Path, tmp_path: Path) -> None:
    first, second = keep(store, out), keep(store, out, now=NOW + timedelta(hours=1))
    assert first.digest == second.digest
    assert sorted(path.name for path in (tmp_path / "store").iterdir()) == [first.digest, f"{first.digest}.json"]


def test_callers_at_once_keep_it_once(store: FileAssemblyStore, out: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        kept = [job.result() for job in [pool.submit(keep, store, out) for _ in range(4)]]
    assert len(set(kept)) == 1
    assert store.get(kept[0].digest) == kept[0]


def test_what_cdk_leaves_while_it_works_is_not_kept(store: FileAssemblyStore, out: Path) -> None:
    clean = keep(store, out)
    (out / ".cache").mkdir()
    (out / ".cache" / "x.zip").write_bytes(b"x")
    (out / "read.12.1.lock").touch()
    (out / "synth.lock").touch()
    assert keep(store, out).digest == clean.digest
    # An asset's own file of such a name is content.
    (out / "asset.auth" / "synth.lock").touch()
    assert keep(store, out).digest != clean.digest


def change_bytes(folder: Path) -> None:
    (folder / "asset.auth" / "index.js").write_text("// evil\n")


def add_file(folder: Path) -> None:
    (folder / "asset.auth" / "more.js").touch()


def remove_file(folder: Path) -> None:
    (folder / "asset.auth" / "index.js").unlink()


def make_program(folder: Path) -> None:
    (folder / "asset.auth" / "index.js").chmod(0o755)


def rename_file(folder: Path) -> None:
    (folder / "asset.auth" / "index.js").rename(folder / "asset.auth" / "indexes.js")


def make_link(folder: Path) -> None:
    (folder / "asset.auth" / "index.js").unlink()
    (folder / "asset.auth" / "index.js").symlink_to("/etc/hostname")


@pytest.mark.parametrize("change", [change_bytes, add_file, remove_file, make_program, rename_file, make_link])
def test_a_changed_assembly_is_not_given(store: FileAssemblyStore, out: Path, change: object) -> None:
    kept = keep(store, out)
    assert callable(change)
    change(Path(kept.path))
    with pytest.raises(PermanentError, match="was changed since"):
        store.get(kept.digest)
    assert store.find(RELEASE, "staging", "i") is None
    # Building it again mends the store.
    assert store.get(keep(store, out).digest) == kept


@pytest.mark.parametrize("digest", ["0" * 64, "../../etc/passwd", ""])
def test_an_absent_assembly_is_told(store: FileAssemblyStore, digest: str) -> None:
    with pytest.raises(PermanentError, match="build it again"):
        store.get(digest)


def test_find_asks_for_release_environment_and_inputs(store: FileAssemblyStore, out: Path) -> None:
    kept = keep(store, out)
    assert store.find(RELEASE, "staging", "i") == kept
    assert store.find(RELEASE, "prod", "i") is None
    assert store.find(RELEASE, "staging", "other") is None
    assert store.find("b" * 40, "staging", "i") is None


def test_find_gives_the_newest(store: FileAssemblyStore, out: Path) -> None:
    keep(store, out)
    (out / "asset.auth" / "index.js").write_text("// newer\n")
    newer = keep(store, out, now=NOW + timedelta(hours=1))
    assert store.find(RELEASE, "staging", "i") == newer


def test_a_folder_that_is_no_assembly_leaves_no_trace(store: FileAssemblyStore, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(PermanentError):
        keep(store, tmp_path / "empty")
    assert not (tmp_path / "store").exists()


def test_a_store_that_moved_still_gives_its_assemblies(store: FileAssemblyStore, out: Path, tmp_path: Path) -> None:
    kept = keep(store, out)
    (tmp_path / "store").rename(tmp_path / "moved")
    assert FileAssemblyStore(tmp_path / "moved").get(kept.digest).path == str(tmp_path / "moved" / kept.digest)


def test_verifying_twenty_megabytes_is_fast(store: FileAssemblyStore, out: Path) -> None:
    (out / "asset.auth" / "big").write_bytes(b"x" * 20_000_000)
    kept = keep(store, out)
    started = time.monotonic()
    store.get(kept.digest)
    assert time.monotonic() - started < 0.5
