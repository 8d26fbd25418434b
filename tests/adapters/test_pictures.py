"""The picture of an incident: what is drawn, and that what was not read is never drawn as zero."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from namecard_release.adapters.evidence_store import FolderEvidence
from namecard_release.adapters.pictures import describe_panel, draw
from namecard_release.domain.measures import Measure, Series
from namecard_release.domain.snapshot import Mark, Snapshot
from namecard_release.errors import PermanentError

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
POINTS = tuple((AT + timedelta(minutes=n), float(n)) for n in range(10))
READ = Series(Measure.ERRORS, "cards", POINTS)
UNREAD = Series(Measure.ERRORS, "auth", (), "Forbidden")
EMPTY = Series(Measure.ERRORS, "ocr")


def snapshot(*series: Series, marks: tuple[Mark, ...] = ()) -> Snapshot:
    return Snapshot("staging: $Cards", AT, AT + timedelta(minutes=10), series, marks)


@pytest.mark.parametrize(
    ("series", "notes"),
    [
        ((), ("not read: nothing of the stacks has this metric",)),
        ((READ,), ()),
        ((READ, UNREAD), ("not read: auth (Forbidden)",)),
        ((EMPTY,), ("no data: ocr",)),
        ((UNREAD, EMPTY), ("not read: auth (Forbidden)", "no data: ocr")),
        ((Series(Measure.LATENCY, "cards", POINTS),), ("not read: nothing of the stacks has this metric",)),
    ],
)
def test_what_a_panel_does_not_show_is_said(series: tuple[Series, ...], notes: tuple[str, ...]) -> None:
    assert describe_panel((Measure.ERRORS,), series) == notes


def test_pictures_differ_by_series_and_marks_and_by_nothing_else() -> None:
    marks = (Mark(AT + timedelta(minutes=2), "deploy"), Mark(AT + timedelta(minutes=4), "alarm"))
    zeros = Series(Measure.ERRORS, "auth", tuple((at, 0.0) for at, _ in POINTS))
    wanted = [snapshot(READ), snapshot(READ, marks=marks), snapshot(UNREAD), snapshot(zeros)]
    # Side by side, for there is no state that the threads could share.
    with ThreadPoolExecutor(2) as pool:
        plain, marked, unread, zero = pool.map(draw, wanted)
    assert plain.startswith(b"\x89PNG\r\n\x1a\n") and len(plain) > 10_000
    assert len({plain, marked, unread, zero}) == 4


@pytest.mark.parametrize("name", ["../out.png", "a/../../out.png", "/out.png"])
def test_no_name_leaves_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(PermanentError, match="is no name of evidence"):
        FolderEvidence(tmp_path / "evidence").put_picture(name, snapshot())
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "evidence").write_text("a file")
    with pytest.raises(PermanentError, match="evidence cannot be kept in "):
        FolderEvidence(tmp_path / "evidence").put_picture("a.png", snapshot())
