"""What failed, read from real outputs of the platform's tools and from lines that are odd.

The files in `outputs` are what pnpm 8.15, eslint 9, tsc 5.9, node 20, vitest 2.1, jest 29 and esbuild 0.25 printed on
the sample platform with a fault put in, without colours and with the folder's name changed.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from namecard_release.domain.failure_reading import MOST_FAILURES, FailureReader, read_failures
from namecard_release.domain.failures import Failure, tell_failures
from namecard_release.domain.gates import Phase, Verdict, name_failures

OUTPUTS = Path(__file__).parent / "outputs"
SEARCH = "@namecard/search"


def output(name: str) -> list[str]:
    """Read a recorded output."""
    return (OUTPUTS / f"{name}.txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "eslint",
            [
                (SEARCH, "src/handler.ts:4:1", "no-var: Unexpected var, use let or const instead"),
                (
                    *(SEARCH, "src/handler.ts:5:7"),
                    "@typescript-eslint/no-unused-vars: 'label' is assigned a value but never used",
                ),
            ],
        ),
        ("tsc", [(SEARCH, "src/handler.ts:5:14", "TS2322: Type 'string' is not assignable to type 'number'.")]),
        ("esbuild", [(SEARCH, "src/handler.ts:6:21", 'Could not resolve "./absent"')]),
        (
            "node-tap",
            [
                (
                    *(SEARCH, "src/definition.test.ts:16:23"),
                    "a group > adds numbers: Expected values to be strictly equal: 2 !== 3",
                )
            ],
        ),
        (
            "node-spec",
            [
                (
                    *("", "src/definition.test.ts:16:23"),
                    "a group > adds numbers: AssertionError [ERR_ASSERTION]: "
                    "Expected values to be strictly equal: 2 !== 3",
                )
            ],
        ),
        (
            "vitest-jest",
            [
                (
                    *("@x/a", "src/broken.test.ts"),
                    "the file could not be run: Error: No test suite found in file "
                    "/srv/namecard/services/a/src/broken.test.ts",
                ),
                (
                    *("@x/a", "src/sum.test.ts:2:56"),
                    "sum > adds: AssertionError: expected 2 to be 3 // Object.is equality",
                ),
                ("@x/a", "src/sum.test.ts:3:29", "alone: Error: boom"),
                (
                    *("@x/b", "src/sum.test.js:1:56"),
                    "sum \u203a adds: expect(received).toBe(expected) // Object.is equality",
                ),
            ],
        ),
        ("scenarios", [("@namecard/e2e-api", "", "fetch failed")]),
        (
            "monitor",
            [("", "services/shared/src/observability.ts", "marker missing: withHttpObservability")],
        ),
    ],
)
def test_a_tools_output_names_what_failed(name: str, expected: list[tuple[str, str, str]]) -> None:
    assert read_failures(output(name)) == tuple(Failure(*one) for one in expected)


ANNOUNCED = "services/ocr lint$ eslint src"
FAILED_OCR = [
    "/r/services/ocr:",
    "\u2009ERR_PNPM_RECURSIVE_RUN_FIRST_FAIL\u2009 @namecard/ocr@1.0.0 lint: `eslint src`",
]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param([], [], id="nothing printed"),
        pytest.param(["all is well", "12 passed", "0 errors"], [], id="nothing failed"),
        pytest.param(
            [ANNOUNCED, *FAILED_OCR], [("@namecard/ocr", "", "`eslint src` failed")], id="pnpm alone names the package"
        ),
        pytest.param(
            [ANNOUNCED, "services/ocr lint: Oops, out of files", "services/ocr lint: Error: boom", *FAILED_OCR],
            [("@namecard/ocr", "", "boom")],
            id="an error nobody knows the shape of",
        ),
        pytest.param(
            ["services/auth lint$ x", ANNOUNCED, "services/auth lint: Error: as the test expects", *FAILED_OCR],
            [("@namecard/ocr", "", "`eslint src` failed")],
            id="an error printed by a package that passes",
        ),
        pytest.param(
            [ANNOUNCED, "services/ocr lint: src/a.ts", "services/ocr lint:   1:2  warning  Odd  some-rule"],
            [("services/ocr", "src/a.ts:1:2", "some-rule: Odd")],
            id="only warnings, as with --max-warnings",
        ),
        pytest.param(
            ["/r/a.ts", "  1:2  warning  Odd  some-rule", "  3:4  error  Parsing error: Unexpected token"],
            [("", "/r/a.ts:3:4", "Parsing error: Unexpected token")],
            id="a warning beside an error, no rule",
        ),
        pytest.param(["  1:2  error  Odd  some-rule"], [], id="a row of eslint without its file"),
        pytest.param(
            ["src/a.ts:5:14 - error TS2322: No.", "error TS18003: No inputs were found."],
            [("", "src/a.ts:5:14", "TS2322: No."), ("", "", "TS18003: No inputs were found.")],
            id="tsc pretty, and without a file",
        ),
        pytest.param(
            ["not ok 1 - later # TODO one day", "not ok 2 - other # SKIP", "not ok 3", "ok 4 - good"],
            [("", "", "a test without a name")],
            id="TAP directives",
        ),
        pytest.param(
            ["not ok 1 - a", "  ---", "  failureType: 'subtestsFailed'", "  ...", "not ok 2 - b", "  error: 'why'"],
            [("", "", "b: why")],
            id="a suite is not told beside its tests",
        ),
        pytest.param(
            ["\u25b6 outer", "  \u25b6 inner", "    \u2716 one (1.2ms)", "  \u2716 inner (3ms)", "\u2716 outer (4ms)"],
            [("", "", "outer > inner > one")],
            id="spec, groups in groups",
        ),
        pytest.param(
            ["\u25b6 outer", "  \u2714 fine (1ms)", "\u2716 outer (4ms)", "  hook broke"],
            [("", "", "outer: hook broke")],
            id="spec, the group itself failed",
        ),
        pytest.param(["\u2716 2 problems (2 errors, 0 warnings)"], [], id="eslint's sum is no test"),
        pytest.param(
            ["FAIL src/a.test.ts (5.1 s)"], [("", "src/a.test.ts", "has failing tests")], id="jest tells the file only"
        ),
        pytest.param(
            [" FAIL  |web| src/a.test.tsx > renders", "TypeError: no window"],
            [("", "src/a.test.tsx", "renders: TypeError: no window")],
            id="vitest with a project",
        ),
        pytest.param(
            ["   \u00d7 sum > adds 7ms"], [("", "", "sum > adds")], id="vitest ended before it told the places"
        ),
        pytest.param(
            [
                "  1) [chromium] \u203a smoke.spec.ts:3:1 \u203a shows the cards \u2500\u2500",
                "",
                "    Error: no answer",
            ],
            [("", "smoke.spec.ts:3:1", "shows the cards: Error: no answer")],
            id="playwright",
        ),
        pytest.param(
            ["> @namecard/e2e-api@1.0.0 run /r/tests/e2e-api", "ERROR: GET /v1/cards answered 500, not 200"],
            [("@namecard/e2e-api", "", "GET /v1/cards answered 500, not 200")],
            id="one package alone is not prefixed",
        ),
        pytest.param(
            ["ERROR: launch/budgets.json has no entry for ocr", "ERROR: RUNBOOK.md does not mention DLQ"],
            [("", "launch/budgets.json", "has no entry for ocr"), ("", "RUNBOOK.md", "does not mention DLQ")],
            id="launch:verify",
        ),
        pytest.param(
            ["services/a/migrations/x.sql:3 drop-column dropping a column breaks"],
            [("", "services/a/migrations/x.sql:3", "drop-column dropping a column breaks")],
            id="lint:migrations",
        ),
        pytest.param(
            ["[FAIL] services/a/src/handler.ts lacks the marker", "\u274c services/b/handler.ts: nothing"],
            [
                ("", "services/a/src/handler.ts", "lacks the marker"),
                ("", "services/b/handler.ts", "nothing"),
            ],
            id="other marks of a monitor",
        ),
        pytest.param(
            ["- Missing marker coldStart in the logger", "12 checks, 1 missing"],
            [("", "", "Missing marker coldStart in the logger")],
            id="a monitor that names no file first",
        ),
    ],
)
def test_lines(lines: list[str], expected: list[tuple[str, str, str]]) -> None:
    assert read_failures(lines) == tuple(Failure(*one) for one in expected)


def test_the_first_fifty_are_kept_of_any_number_and_nothing_twice() -> None:
    lines = [f"src/a.ts({n // 2},1): error TS1: Odd." for n in range(5000)]
    told = read_failures(lines)
    assert len(told) == MOST_FAILURES == 50
    assert told[:2] == (Failure("", "src/a.ts:0:1", "TS1: Odd."), Failure("", "src/a.ts:1:1", "TS1: Odd."))


def test_what_is_kept_is_bounded_whatever_is_printed() -> None:
    reader = FailureReader()
    for n in range(2000):
        reader.take(f"services/p{n} lint$ x")
        reader.take(f"> p{n}@1.0.0 lint /r/p{n}")
        reader.take(f"services/p{n} lint: Error: {'x' * 3000}")
    assert len(reader._packages) <= 501
    assert all(len(failure.what) <= 300 for failure in reader.failures)


def test_no_line_is_fatal() -> None:
    pieces = [piece for file in sorted(OUTPUTS.glob("*.txt")) for piece in file.read_text("utf-8")]
    chance = random.Random(7)
    for _ in range(200):
        lines = ["".join(chance.choices(pieces, k=chance.randrange(80))) for _ in range(40)]
        assert len(read_failures(lines)) <= MOST_FAILURES
    read_failures(["", "\x00", " ", ":", "`", "\u2716", "\u2716 ", "FAIL", "not ok", "> ", "$ ", "x y$ ", "x y: "])


MORE = " (and 1 more)"
ONE, TWO = Failure("@namecard/search", "src/handler.ts:3:7", "no-unused-vars"), Failure("", "", "it broke")


@pytest.mark.parametrize(
    ("verdict", "failures", "reason", "kept"),
    [
        (Verdict.FAILED, (ONE,), "exit 1: @namecard/search lint: src/handler.ts:3:7 no-unused-vars", 1),
        (
            Verdict.FAILED,
            (ONE, TWO),
            "exit 1: @namecard/search lint: src/handler.ts:3:7 no-unused-vars (and 1 more)",
            2,
        ),
        (Verdict.FAILED, (TWO,), "exit 1: it broke", 1),
        (Verdict.FAILED, (), "exit 1", 0),
        # A phase without a result is not failed by what it had printed until then, but people may want to see it.
        (Verdict.UNKNOWN, (ONE,), "exit 1", 1),
        (Verdict.PASSED, (ONE,), "exit 1", 0),
    ],
)
def test_a_phase_says_what_failed(verdict: Verdict, failures: tuple[Failure, ...], reason: str, kept: int) -> None:
    named = name_failures(Phase("lint", verdict, "exit 1"), failures)
    assert (named.verdict, named.reason, len(named.failures)) == (verdict, reason, kept)


def test_nothing_failed_is_told_as_nothing() -> None:
    assert tell_failures("lint", ()) == ""
