"""How long lint and judgement of 1,000 migration files take, beside squawk alone; one JSON object on stdout.

`python -m benchmarks.migrations`. The files are the same in every run, about 19 statements each.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from benchmarks.bench import Spread, spread
from benchmarks.status import timed
from namecard_release.adapters.sql.linter import PostgresLinter
from namecard_release.adapters.sql.reading import forget_files, read_sql
from namecard_release.adapters.sql.squawk import Squawk
from namecard_release.domain.compatibility import judge_changes
from namecard_release.domain.migrations import MigrationFile

FILES, STATEMENTS, TIMES = 1000, 19, 3
_SERVICES = ("auth", "cards", "ocr", "enrichment", "uploads", "search")
# What the platform's migrations are made of, the rare and the forbidden among it.
_KINDS = (
    'create table if not exists {s}."{t}" (\n  "id" uuid primary key default gen_random_uuid(),\n'
    '  "{c}" text not null,\n  "createdAt" timestamptz not null default now()\n)',
    'alter table {s}."{t}" add column if not exists "{c}" text',
    'alter table {s}."{t}" add column "{c}" integer not null default 0',
    'alter table {s}."{t}" alter column "{c}" set default \'{n}\'',
    'alter table {s}."{t}" add constraint "{t}_{c}_check" check (length("{c}") < {n}) not valid',
    'create index if not exists "{t}_{c}_idx" on {s}."{t}" ("{c}")',
    'create unique index "{t}_{c}_key" on {s}."{t}" (lower("{c}")) where "{c}" is not null',
    "insert into {s}.\"{t}\" (\"id\", \"{c}\") values (gen_random_uuid(), 'row {n}'), (gen_random_uuid(), 'it''s {n}')",
    'update {s}."{t}" set "{c}" = \'é{n}\' where "id" in (select "id" from {s}."{t}" where "{c}" is null)',
    'delete from {s}."{t}" where "createdAt" < now() - interval \'{n} days\'',
    "comment on table {s}.\"{t}\" is 'commit; truncate {n}'",
    "do $$\nbegin\n  if not exists (select 1 from pg_constraint where conname = '{t}_{c}_key') then\n"
    '    alter table {s}."{t}" add constraint "{t}_{c}_key" unique ("{c}");\n  end if;\nend\n$$',
    'create or replace view {s}."{t}View" as select "id", "{c}" from {s}."{t}" where "{c}" <> \'{n}\'',
    'grant select, insert on {s}."{t}" to public',
    "set local lock_timeout = '{n}s'",
    'alter table {s}."{t}" drop column if exists "{c}"',
    'truncate {s}."{t}"',
    '-- a remark about {n}\nselect count(*) from {s}."{t}"',
)


@dataclass(frozen=True)
class Measured:
    """Seconds of each, over `files` files with `statements` statements; `ratio` is lint and judge to squawk alone."""

    files: int
    statements: int
    lint: Spread
    judge: Spread
    squawk_alone: Spread
    lint_and_judge: float
    ratio: float


def make_files(count: int = FILES, statements: int = STATEMENTS) -> list[MigrationFile]:
    """Make the files, always the same."""
    dice = random.Random(1867)
    return [_make_file(index, statements, dice) for index in range(count)]


def _make_file(index: int, statements: int, dice: random.Random) -> MigrationFile:
    service = _SERVICES[index % len(_SERVICES)]
    minute = f"2026-02-{1 + index % 28:02d}T{index // 60 % 24:02d}{index % 60:02d}"
    name = f"{minute}__{service}__b{index}.sql"
    pieces = [
        dice.choice(_KINDS).format(s=service, t=f"Table{dice.randrange(50)}", c=f"field{dice.randrange(20)}", n=index)
        for _ in range(statements)
    ]
    return MigrationFile(name, service, "", f"services/{service}/migrations/{name}", ";\n\n".join(pieces) + ";\n")


def measure(files: Sequence[MigrationFile], times: int = TIMES) -> Measured:
    """Measure lint (reading included), judgement of what it read, and squawk alone by turns."""
    texts = [file.sql for file in files]
    statements = sum(len(read_sql(file.name, file.sql).statements) for file in files)
    lint, judge, alone = [], [], []
    for _ in range(times):
        # Within one process the files are read once, so each turn reads them anew: in the lint.
        forget_files()
        lint.append(timed(lambda: PostgresLinter().lint(files)))
        judge.append(timed(lambda: judge_changes([read_sql(file.name, file.sql) for file in files])))
        alone.append(timed(lambda: Squawk().advise(texts)))
    ours, theirs = spread(lint), spread(alone)
    judged = spread(judge)
    both = round(ours.median + judged.median, 3)
    return Measured(len(files), statements, ours, judged, theirs, both, round(both / theirs.median, 2))


def main() -> int:
    """Measure and print."""
    print(json.dumps(asdict(measure(make_files())), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
