"""The platform's repository, on real git repositories made here."""

import hashlib
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from namecard_release.adapters.git import GitRepository
from namecard_release.errors import MisuseError, PermanentError, RefusedError, TransientError

FIRST = "services/auth/migrations/2025-01-01T0000__auth__init.sql"
SECOND = "services/cards/migrations/2025-01-02T0000__cards__init.sql"
_ENV = {
    **{"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
    **{f"GIT_{who}_{what}": "x@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


def git(folder: Path, *words: str, **env: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *words], env={**_ENV, **env}, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def commit(folder: Path, files: dict[str, bytes], message: str, minute: int = 0) -> str:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    git(folder, "add", "--all")
    when = f"2025-01-01T00:{minute:02}:00Z"
    git(folder, "commit", "--quiet", "-m", message, GIT_COMMITTER_DATE=when, GIT_AUTHOR_DATE=when)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    folder = tmp_path / "origin"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, {FIRST: b"select 1;\n", SECOND: b"select 2;\n", "a.txt": b"a\n"}, "First\n\nbody")
    return folder


@pytest.fixture
def repository(origin: Path, tmp_path: Path) -> GitRepository:
    return GitRepository(str(origin), tmp_path / "work")


def test_branches_tags_and_short_shas_resolve(origin: Path, repository: GitRepository) -> None:
    sha = git(origin, "rev-parse", "HEAD")
    git(origin, "tag", "-a", "v1", "-m", "v1")
    releases = [repository.resolve(ref) for ref in ("main", "v1", sha, sha[:8], "refs/heads/main")]
    assert {release.sha for release in releases} == {sha}
    release = releases[0]
    assert (release.subject, release.author, release.signature) == ("First", "x@example.com", "unsigned")
    assert release.tree == git(origin, "rev-parse", "HEAD^{tree}") == repository.tree_of(sha)
    assert release.committed_at.isoformat() == "2025-01-01T00:00:00+00:00"


def test_a_branch_that_moved_and_a_new_commit_are_found(origin: Path, repository: GitRepository) -> None:
    old = repository.resolve("main").sha
    new = commit(origin, {"a.txt": b"b\n"}, "Second", 1)
    assert repository.resolve("main").sha == new != old
    newer = commit(origin, {"a.txt": b"c\n"}, "Third", 2)
    assert repository.resolve(newer[:10]).sha == newer


@pytest.mark.parametrize("ref", ["--upload-pack=x", "", "a b", "a..b", "main;id", "-x", "@{1}", "x" * 201])
def test_a_text_that_is_no_ref_is_misuse_and_nothing_is_fetched(tmp_path: Path, ref: str) -> None:
    with pytest.raises(MisuseError):
        GitRepository("/nowhere", tmp_path / "work").resolve(ref)
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize("ref", ["nope", "deadbeef", "f" * 40, "HEAD", "FETCH_HEAD"])
def test_a_ref_that_is_not_there_is_refused(repository: GitRepository, ref: str) -> None:
    with pytest.raises(RefusedError, match=r"no commit .* in .*origin"):
        repository.resolve(ref)


def test_a_repository_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match=r"platform\.repository"):
        GitRepository(str(tmp_path / "absent"), tmp_path / "work").resolve("main")


def test_a_server_that_does_not_answer_may_answer_later_and_no_password_is_told(tmp_path: Path) -> None:
    repository = GitRepository("http://user:hunter2hunter2@127.0.0.1:1/x.git", tmp_path / "work")
    with pytest.raises(TransientError) as told:
        repository.resolve("main")
    assert "hunter2" not in str(told.value)


def test_a_foreign_transport_runs_nothing(tmp_path: Path) -> None:
    with pytest.raises(PermanentError):
        GitRepository(f"ext::touch {tmp_path / 'pwned'}", tmp_path / "work").resolve("main")
    assert not (tmp_path / "pwned").exists()


def test_a_checkout_is_the_same_folder_and_keeps_what_tools_left(repository: GitRepository, tmp_path: Path) -> None:
    sha = repository.resolve("main").sha
    folder = repository.checkout(sha)
    assert folder == tmp_path / "work" / sha
    (folder / "node_modules").mkdir()
    assert repository.checkout(sha) == folder
    assert (folder / "node_modules").is_dir()
    assert (folder / "a.txt").read_bytes() == b"a\n"
    assert git(folder, "rev-parse", "HEAD") == sha


def test_changed_tracked_files_are_put_back(repository: GitRepository) -> None:
    sha = repository.resolve("main").sha
    folder = repository.checkout(sha)
    (folder / "node_modules").mkdir()
    (folder / "a.txt").write_bytes(b"changed\n")
    (folder / FIRST).unlink()
    # What hides a change from the checkout's own git must not hide it from us.
    git(folder, "update-index", "--assume-unchanged", "a.txt")
    repository.checkout(sha)
    assert (folder / "a.txt").read_bytes() == b"a\n"
    assert (folder / FIRST).exists()
    assert (folder / "node_modules").is_dir()


def test_a_checkout_without_its_index_is_made_anew(repository: GitRepository, tmp_path: Path) -> None:
    sha = repository.resolve("main").sha
    folder = repository.checkout(sha)
    (folder / "a.txt").write_bytes(b"changed\n")
    (tmp_path / "work" / f"{sha}.index").unlink()
    assert (repository.checkout(sha) / "a.txt").read_bytes() == b"a\n"


def test_no_hook_runs(origin: Path, repository: GitRepository, tmp_path: Path) -> None:
    repository.resolve("main")
    hook = tmp_path / "work" / "mirror.git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path / 'ran'}\n")
    hook.chmod(0o755)
    repository.checkout(git(origin, "rev-parse", "HEAD"))
    assert not (tmp_path / "ran").exists()


def test_callers_at_once_get_the_same_folder(origin: Path, tmp_path: Path) -> None:
    sha = git(origin, "rev-parse", "HEAD")
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(GitRepository(str(origin), tmp_path / "work").checkout, sha) for _ in range(4)]
        folders = {job.result() for job in jobs}
    assert folders == {tmp_path / "work" / sha}
    assert not list((tmp_path / "work").glob(".making*"))


def test_migrations_are_read_from_the_repository(repository: GitRepository) -> None:
    files = repository.migration_files(repository.resolve("main").sha)
    assert [(file.path, file.service, file.sql) for file in files] == [
        (FIRST, "auth", "select 1;\n"),
        (SECOND, "cards", "select 2;\n"),
    ]
    assert files[0].name == Path(FIRST).name
    assert files[0].checksum == hashlib.sha256(b"select 1;\n").hexdigest()


def test_a_commit_without_services_has_no_migrations(origin: Path, repository: GitRepository) -> None:
    git(origin, "rm", "-rq", "services")
    sha = commit(origin, {}, "None")
    assert repository.migration_files(sha) == ()


def test_a_migration_that_is_not_utf8_is_named(origin: Path, repository: GitRepository) -> None:
    sha = commit(origin, {FIRST: b"-- \xff\n"}, "Bad")
    with pytest.raises(PermanentError, match=r"auth__init\.sql is not UTF-8"):
        repository.migration_files(sha)


@pytest.mark.parametrize(
    ("path", "text"),
    [("a.txt", "a\n"), (FIRST, "select 1;\n"), ("absent.txt", None), ("services", None), ("*.txt", None)],
)
def test_one_file_of_a_commit(repository: GitRepository, path: str, text: str | None) -> None:
    assert repository.read_text(repository.resolve("main").sha, path) == text


def test_one_file_that_is_not_utf8_is_named(origin: Path, repository: GitRepository) -> None:
    sha = commit(origin, {"a.txt": b"ab\xff"}, "Bad")
    with pytest.raises(PermanentError, match=r"a\.txt is not UTF-8 at byte 2"):
        repository.read_text(sha, "a.txt")


def test_heads_are_every_tip_once_newest_first(origin: Path, repository: GitRepository) -> None:
    git(origin, "tag", "-a", "v1", "-m", "v1")
    git(origin, "branch", "old")
    commit(origin, {"a.txt": b"b\n"}, "Second", 5)
    assert [release.subject for release in repository.heads()] == ["Second", "First"]


@pytest.mark.parametrize("sha", ["main", "../x", "abc"])
def test_only_full_shas_name_a_worktree(repository: GitRepository, sha: str) -> None:
    with pytest.raises(MisuseError):
        repository.checkout(sha)
