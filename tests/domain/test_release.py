"""What may name a commit, and how a release is shown."""

from __future__ import annotations

import pytest

from namecard_release.domain.release import Release, explain_bad_ref, is_sha, short
from tests.domain.cases import T0

SHA = "0123456789abcdef0123456789abcdef01234567"


def test_a_release_is_shown_short() -> None:
    release = Release(SHA, "tree", "subject", "ada", T0)
    assert (release.short, release.signature) == ("01234567", "unsigned")
    assert (short(SHA), short("abc"), short("")) == ("01234567", "abc", "")


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        (SHA, True),
        ("a" * 40, True),
        (SHA[:39], False),
        (SHA + "0", False),
        (SHA.upper(), False),
        (SHA[:39] + "g", False),
        (SHA + "\n", False),
        ("", False),
        ("\u0661" * 40, False),
    ],
)
def test_a_sha_is_forty_lower_case_digits(text: str, is_one: bool) -> None:
    assert is_sha(text) is is_one


@pytest.mark.parametrize(
    "text",
    [
        *("HEAD", "main", "v1.0", "v1.0.0-rc.1", "feature/x", "a/b/c/d", SHA, SHA[:7], "_x", "1", "user@host"),
        *("release+1", "feature/x-y_z", "refs/heads/main", "origin/main", "x@y", "a" * 200, "lock", "x.locks"),
    ],
)
def test_a_ref_may_name_a_commit(text: str) -> None:
    assert explain_bad_ref(text) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it is empty"),
        ("--upload-pack=x", "as an option would"),
        ("-", "as an option would"),
        ("-x", "as an option would"),
        ("$(rm)", "only"),
        ("`rm`", "only"),
        ("a;b", "only"),
        ("a b", "only"),
        (" main", "only"),
        ("main\n", "only"),
        ("main\nx", "only"),
        ("main\0", "only"),
        ("maïn", "only"),
        ("\uff0dx", "only"),
        ("\u202emain", "only"),
        ("HEAD~1", "only"),
        ("HEAD^", "only"),
        ("main@{1}", "only"),
        ("@", "only"),
        (":/fix", "only"),
        ("main:file", "only"),
        ("a*", "only"),
        ("a?", "only"),
        ("a[b", "only"),
        ("a\\b", "only"),
        (".hidden", "only"),
        ("/abs", "only"),
        ("a" * 201, "200 at most"),
        ("a..b", "git does not allow"),
        ("a/../b", "git does not allow"),
        ("a//b", "git does not allow"),
        ("a.", "git does not allow"),
        ("a/", "git does not allow"),
        ("a.lock", "git does not allow"),
        # git-check-ref-format(1) says it of each part between slashes.
        ("feature/.hidden", "git does not allow"),
        ("a.lock/b", "git does not allow"),
    ],
)
def test_a_bad_ref_is_explained(text: str, words: str) -> None:
    assert words in (explain_bad_ref(text) or "")
