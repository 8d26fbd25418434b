"""The platform's repository: a local mirror of it and clean worktrees. What a release is, is the domain's."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from namecard_release.adapters.git_process import GitResult, expect, git_in, run_git
from namecard_release.domain.migrations import MigrationFile
from namecard_release.domain.release import Release, explain_bad_ref, is_sha, short
from namecard_release.errors import MisuseError, PermanentError, RefusedError, TransientError
from namecard_release.redaction import redact

_FETCH_SECONDS = 600.0
_HEX = re.compile(r"[0-9a-f]{4,40}")
_MIGRATION = re.compile(r"services/([^/]+)/migrations/([^/]+\.sql)")
_SIGNATURES = {
    "G": "good",
    "U": "good, key not trusted",
    "B": "bad",
    "X": "expired",
    "Y": "key expired",
    "R": "revoked",
}
_NO_HEAD = "the-mirror-has-no-head"
_PERMANENT = re.compile(
    r"(?i)not found|does not exist|does not appear to be a git repository|authentication failed|permission denied"
    r"|could not read (username|password)|dubious ownership|not allowed|unable to find remote helper|invalid"
)


class GitRepository:
    """The platform's repository at a URL or path; mirror and worktrees are kept in `folder`.

    Safe for several processes at once. Reaching the repository raises TransientError when that may pass, and
    PermanentError when there is no such repository.
    """

    def __init__(self, url_or_path: str, folder: Path) -> None:
        self._url = url_or_path
        self._folder = folder.absolute()
        self._mirror = self._folder / "mirror.git"

    @property
    def _shown(self) -> str:
        return redact(self._url)

    def resolve(self, ref: str) -> Release:
        """Resolve a branch, tag or (short) SHA. A name that may have moved is asked of the repository first.

        Raises MisuseError for a text that is no ref, RefusedError for one that names no commit.
        """
        why = explain_bad_ref(ref)
        if why is not None:
            raise MisuseError(f"{ref!r} is not a commit, branch or tag: {why}")
        sha = self._find(ref) if _HEX.fullmatch(ref) else None
        if sha is None or not (is_sha(ref) or self._is_only_hex(ref)):
            self._fetch()
            sha = self._find(ref)
        if sha is None:
            raise RefusedError(f"no commit {ref} in {self._shown}: push it there, or check the name")
        return self._release(sha, signature=True)

    def checkout(self, sha: str) -> Path:
        """Give the worktree of a commit at `folder/<sha>`; tracked files that were changed are put back.

        Raises RefusedError for a commit that is not there.
        """
        self._need(sha)
        worktree = self._folder / sha
        with self._lock(f"{sha}.lock"):
            if worktree.is_dir() and (self._is_clean(sha) or self._restore(sha)):
                return worktree
            self._make(sha, worktree)
        return worktree

    def heads(self) -> tuple[Release, ...]:
        """Give the commits at the tips of every branch and tag, newest first, as the repository has them now."""
        self._fetch()
        form = "--format=%(objecttype) %(objectname) %(*objecttype) %(*objectname)"
        listing = expect(git_in(self._mirror, "for-each-ref", form, "refs/heads", "refs/tags"), "cannot list refs").text
        words = [line.split() for line in listing.splitlines()]
        tips = {w[-1] for w in words if w[-2] == "commit"}
        return tuple(sorted((self._release(sha) for sha in tips), key=lambda r: (r.committed_at, r.sha), reverse=True))

    def tree_of(self, sha: str) -> str:
        """Give the tree digest of a commit. Raises RefusedError for a commit that is not there."""
        self._need(sha)
        return expect(self._parse(f"{sha}^{{tree}}"), f"cannot read {short(sha)}").text

    def contains(self, sha: str, other: str) -> bool:
        """Tell whether a commit's history has another commit. Raises RefusedError for a commit that is not there."""
        self._need(sha)
        self._need(other)
        result = git_in(self._mirror, "merge-base", "--is-ancestor", other, sha)
        return result.code == 0 or (result.code != 1 and expect(result, f"cannot read {short(sha)}").code == 0)

    def migration_files(self, sha: str) -> tuple[MigrationFile, ...]:
        """Read a commit's migrations from the mirror, in name order. Raises PermanentError for one not in UTF-8."""
        self._need(sha)
        listing = git_in(self._mirror, "ls-tree", "-r", "-z", sha, "--", "services/")
        found: list[tuple[str, str]] = []
        for entry in expect(listing, f"cannot list {short(sha)}").output.decode("utf-8", "replace").split("\0"):
            meta, _, path = entry.partition("\t")
            if _MIGRATION.fullmatch(path) and meta.startswith("100"):
                found.append((meta.split()[2], path))
        contents = self._read_blobs(blob for blob, _ in found)
        files = [read_migration(path, content) for (_, path), content in zip(found, contents, strict=True)]
        return tuple(sorted(files, key=lambda file: (file.name, file.path)))

    def read_text(self, sha: str, path: str) -> str | None:
        """Read one file of a commit from the mirror; None when the commit has none. Raises PermanentError as above."""
        self._need(sha)
        listing = expect(git_in(self._mirror, "ls-tree", "-z", sha, "--", path), f"cannot list {short(sha)}")
        meta, _, _ = listing.output.decode("utf-8", "replace").partition("\t")
        if not meta.startswith("100"):
            return None
        (content,) = self._read_blobs([meta.split()[2]])
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise PermanentError(f"{path} is not UTF-8 at byte {error.start}: save it as UTF-8") from error

    # --- the mirror

    def _fetch(self) -> None:
        with self._lock("mirror.lock"):
            if not (self._mirror / "HEAD").is_file():
                self._create_mirror()
            # The URL goes by the environment: it may hold a password, and argument lists are open to everyone.
            env = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "remote.origin.url", "GIT_CONFIG_VALUE_0": self._url}
            result = run_git(
                *(f"--git-dir={self._mirror}", "fetch", "--quiet", "--prune", "--force", "--no-write-fetch-head"),
                *("--no-tags", "origin", "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"),
                env=env,
                timeout_seconds=_FETCH_SECONDS,
            )
        if result.code == 0:
            return
        told = f"cannot fetch from {self._shown}: {result.why}"
        if _PERMANENT.search(result.error):
            raise PermanentError(f"{told}\ncheck platform.repository in the settings and who may read it")
        raise TransientError(f"{told}\ntry again when it answers")

    def _create_mirror(self) -> None:
        made = Path(tempfile.mkdtemp(prefix=".making-mirror-", dir=self._folder))
        # HEAD names no branch, so that a ref HEAD is refused instead of meaning some branch.
        init = run_git("init", "--quiet", "--bare", "--template=", f"--initial-branch={_NO_HEAD}", "--", str(made))
        expect(init, f"cannot make a mirror in {self._folder}")
        shutil.rmtree(self._mirror, ignore_errors=True)
        made.rename(self._mirror)

    def _find(self, ref: str) -> str | None:
        if not self._mirror.is_dir():
            return None
        result = self._parse(f"{ref}^{{commit}}")
        return result.text if result.code == 0 and is_sha(result.text) else None

    def _parse(self, text: str) -> GitResult:
        return git_in(self._mirror, "rev-parse", "--verify", "--quiet", "--end-of-options", text)

    def _is_only_hex(self, ref: str) -> bool:
        names = git_in(self._mirror, "for-each-ref", "--count=1", f"refs/heads/{ref}", f"refs/tags/{ref}")
        return names.code == 0 and not names.output

    def _need(self, sha: str) -> None:
        if not is_sha(sha):
            raise MisuseError(f"{sha!r} is not a full commit SHA")
        if self._find(sha) is None:
            self._fetch()
            if self._find(sha) is None:
                raise RefusedError(f"no commit {short(sha)} in {self._shown}: push it there, or check the name")

    def _release(self, sha: str, *, signature: bool = False) -> Release:
        raw = expect(git_in(self._mirror, "cat-file", "commit", sha), f"cannot read commit {short(sha)}").text
        head, _, message = raw.partition("\n\n")
        fields = dict(line.split(" ", 1) for line in head.splitlines() if line[:1] != " " and " " in line)
        return Release(
            sha=sha,
            tree=fields["tree"],
            subject=message.strip().partition("\n")[0],
            author=fields["author"].partition(" <")[0],
            committed_at=datetime.fromtimestamp(int(fields["committer"].rsplit(" ", 2)[1]), UTC),
            signature=self._signature(sha, check=signature) if "gpgsig" in fields else "unsigned",
        )

    def _signature(self, sha: str, *, check: bool) -> str:
        if not check:
            return "signed, not checked"
        # Without gpg, or without the key, git says E or N and complains on its error output only.
        letter = git_in(self._mirror, "log", "-1", "--format=%G?", "--end-of-options", sha).text.strip()
        return f"signed, {_SIGNATURES.get(letter, 'not checked')}"

    def _read_blobs(self, blobs: Iterable[str]) -> list[bytes]:
        asked = "".join(f"{blob}\n" for blob in blobs).encode()
        output = expect(git_in(self._mirror, "cat-file", "--batch", stdin=asked), "cannot read files").output
        contents: list[bytes] = []
        at = 0
        while at < len(output):
            end = output.index(b"\n", at)
            size = int(output[at:end].split()[2])
            contents.append(output[end + 1 : end + 1 + size])
            at = end + size + 2
        return contents

    # --- worktrees

    def _in_worktree(self, sha: str, *words: str) -> GitResult:
        # With an index of our own: the platform's scripts cannot hide a change in theirs.
        env = {"GIT_INDEX_FILE": str(self._folder / f"{sha}.index")}
        return run_git(f"--git-dir={self._mirror}", f"--work-tree={self._folder / sha}", *words, env=env)

    def _is_clean(self, sha: str) -> bool:
        if not (self._folder / f"{sha}.index").is_file():
            return False
        self._in_worktree(sha, "update-index", "-q", "--really-refresh")
        return self._in_worktree(sha, "diff-index", "--quiet", sha, "--").code == 0

    def _restore(self, sha: str) -> bool:
        # In place: another step may be at work there, and the installed packages stay.
        self._in_worktree(sha, "read-tree", "--reset", "-u", sha)
        return self._is_clean(sha)

    def _make(self, sha: str, worktree: Path) -> None:
        for left in self._folder.glob(f".making-{sha}-*"):
            shutil.rmtree(left, ignore_errors=True)
        made = Path(tempfile.mkdtemp(prefix=f".making-{sha}-", dir=self._folder))
        what = f"cannot check out {short(sha)} in {self._folder}"
        clone = (
            "clone",
            "--quiet",
            "--shared",
            "--no-checkout",
            "--template=",
            "--",
            str(self._mirror),
            str(made / "tree"),
        )
        expect(run_git(*clone), what)
        expect(run_git("-C", str(made / "tree"), "checkout", "--quiet", "--detach", sha, "--"), what)
        (made / "tree").chmod(0o755)
        shutil.copy2(made / "tree" / ".git" / "index", self._folder / f"{sha}.index")
        if worktree.exists():
            worktree.rename(made / "old")
        (made / "tree").rename(worktree)
        shutil.rmtree(made, ignore_errors=True)
        if not self._is_clean(sha):
            raise PermanentError(f"{what}: files differ from the commit right after the checkout; check .gitattributes")

    @contextlib.contextmanager
    def _lock(self, name: str) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def read_migration(path: str, content: bytes) -> MigrationFile:
    """Make a migration file of its path in the checkout and its bytes. Raises PermanentError when not in UTF-8."""
    match = _MIGRATION.fullmatch(path)
    assert match is not None
    try:
        sql = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PermanentError(f"{path} is not UTF-8 at byte {error.start}: save it as UTF-8") from error
    return MigrationFile(match[2], match[1], hashlib.sha256(content).hexdigest(), path, sql)
