"""The launch documents judged: budgets, checklist, runbook, links. Reading files and running commands are elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from posixpath import dirname, join, normpath
from urllib.parse import unquote

from namecard_release.domain.budgets import Expected, Problem, read_budgets
from namecard_release.domain.failures import Failure
from namecard_release.domain.gates import Phase, Verdict
from namecard_release.domain.linting import Level

BUDGETS = "launch/budgets.json"
CHECKLIST = "launch/POST_LAUNCH_CHECKLIST.md"
RUNBOOK = "RUNBOOK.md"
DOCUMENTS = (BUDGETS, CHECKLIST, RUNBOOK)
# Platform contract, "The repository".
HEADINGS = (
    "## Pre-Deployment Verification",
    "## Deployment Execution",
    "## Post-Launch Verification",
    "## Rollback & Recovery Signals",
)
PHRASES: Mapping[str, tuple[str, ...]] = {
    CHECKLIST: (
        *("pnpm run ci:quality", "pnpm run migrate:validate", "synthetic monitor"),
        *("CloudWatch dashboard", "cost anomaly", "rollback trigger"),
    ),
    RUNBOOK: ("Lambda errors", "DLQ", "CloudWatch dashboard", "rollback"),
}
_FENCE = re.compile(r"\s{0,3}(`{3,}|~{3,})")
_CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)")
_TARGET = r"(?:<([^<>\n]*)>|([^\s()<>]+(?:\([^\s()]*\)[^\s()]*)*))"
_INLINE = re.compile(rf"\]\(\s*{_TARGET}(?:\s+(?:\"[^\"]*\"|'[^']*'))?\s*\)")
_REFERENCE = re.compile(rf"\s{{0,3}}\[[^\]]+\]:\s*{_TARGET}")
_ELSEWHERE = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+:|//|#|$")


@dataclass(frozen=True)
class Link:
    """A link of a document to a file: the line it is on, as it is written, and the path from the checkout's root."""

    line: int
    written: str
    path: str


@dataclass(frozen=True)
class LaunchFiles:
    """The launch documents of a checkout by path, None for one that is not there; `unread` says why one was not read.

    `there` are those files and folders that the documents link to and that exist.
    """

    texts: Mapping[str, str | None]
    there: frozenset[str] = frozenset()
    unread: Mapping[str, str] | None = None


def find_problems(files: LaunchFiles, expected: Expected) -> tuple[Problem, ...]:
    """Find every problem of the launch documents, in the order of documents and lines."""
    told: list[Problem] = []
    for path in DOCUMENTS:
        text = files.texts.get(path)
        if text is None:
            told.append(Problem(path, 1, Level.ERROR, (files.unread or {}).get(path, "is not there")))
        elif path == BUDGETS:
            told += read_budgets(path, text, expected).problems
        else:
            told += sorted(_check_prose(path, text, files.there), key=lambda problem: problem.line)
    return tuple(told)


def judge_launch(name: str, problems: Sequence[Problem]) -> Phase:
    """Give the phase over problems: an error fails, warnings are shown beside it."""
    errors = [problem for problem in problems if problem.level is Level.ERROR]
    count = f"errors: {len(errors)}, warnings: {len(problems) - len(errors)}"
    first = f"; {errors[0].file}:{errors[0].line} {errors[0].message}" if errors else ""
    verdict = Verdict.FAILED if errors else Verdict.PASSED
    told = tuple(Failure("", f"{p.file}:{p.line}", f"{p.level}: {p.message}") for p in (*errors, *_others(problems)))
    return Phase(name, verdict, f"{count}{first}", failures=told)


def _others(problems: Sequence[Problem]) -> list[Problem]:
    return [problem for problem in problems if problem.level is not Level.ERROR]


def find_links(path: str, text: str) -> tuple[Link, ...]:
    """Find the links of a Markdown document to files; those to other places, and what is code, are left out."""
    links = []
    for line, content in _prose(text):
        bare = _CODE.sub(" ", content)
        for hit in (*_INLINE.finditer(bare), *_REFERENCE.finditer(bare)):
            written = hit[1] if hit[1] is not None else hit[2]
            if not _ELSEWHERE.match(written):
                links.append(Link(line, written, _resolve(path, written)))
    return tuple(links)


def _resolve(path: str, written: str) -> str:
    target = unquote(re.split(r"[#?]", written, maxsplit=1)[0])
    # A leading slash means the repository's root, as it does on GitHub.
    return normpath(target.lstrip("/") if target.startswith("/") else join(dirname(path), target))


def _prose(text: str) -> Iterator[tuple[int, str]]:
    """Give the lines outside of fenced code."""
    fence = ""
    for line, content in enumerate(text.splitlines(), 1):
        mark = _FENCE.match(content)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence) and not content.strip().strip(fence[0]):
            fence = ""
        elif not fence:
            yield line, content


def _check_prose(path: str, text: str, there: frozenset[str]) -> Iterator[Problem]:
    last = max(1, len(text.splitlines()))
    if path == CHECKLIST:
        lines = {content.strip(): line for line, content in reversed([*_prose(text)])}
        for heading in HEADINGS:
            if heading not in lines:
                hint = _find_like(heading, lines)
                yield Problem(path, hint or last, Level.ERROR, f"no heading {heading!r}{', but this' if hint else ''}")
    low = text.lower()
    for phrase in PHRASES[path]:
        if phrase.lower() not in low:
            yield Problem(path, last, Level.ERROR, f"does not mention {phrase!r}")
    for link in find_links(path, text):
        if link.path.startswith(".."):
            yield Problem(path, link.line, Level.ERROR, f"the link {link.written!r} leaves the checkout")
        elif link.path not in there:
            yield Problem(path, link.line, Level.ERROR, f"the link {link.written!r} points to no file")


def _find_like(heading: str, lines: Mapping[str, int]) -> int | None:
    """Find a heading of the same words at another level or in another case."""
    wanted = heading.lstrip("# ").lower()
    like = (line for text, line in lines.items() if text.startswith("#") and text.strip("# :").lower() == wanted)
    return next(like, None)
