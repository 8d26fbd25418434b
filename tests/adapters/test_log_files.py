"""Log files in pieces: plain, gzip, standard input, damaged, with lines longer than anybody reads."""

from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path

import pytest

from namecard_release.adapters import log_files
from namecard_release.adapters.log_files import read_log_file
from namecard_release.domain.log_events import Cut
from namecard_release.domain.triage import Triage, TriageResult
from namecard_release.errors import MisuseError
from tests.adapters.test_log_lines import line

MANY = b"\n".join([line()] * 500) + b"\n"


def sum_up(name: str | Path) -> TriageResult:
    triage = Triage()
    for event in read_log_file(str(name)):
        triage.add(event)
    return triage.result()


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_files, "PIECE", 1000)
    monkeypatch.setattr(log_files, "LONGEST_LINE", 3000)


@pytest.mark.parametrize("content", [MANY, MANY[:-1]])
def test_every_line_of_a_plain_or_compressed_file_is_read_once(
    tmp_path: Path, content: bytes, small_pieces: None
) -> None:
    for name, written in (("a.jsonl", content), ("a.gz", gzip.compress(content)), ("odd", gzip.compress(content))):
        (tmp_path / name).write_bytes(written)
        told = sum_up(tmp_path / name)
        assert (told.failed, told.total_lines, told.unread) == (500, 500, "")


def test_several_gzip_files_in_one(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(MANY) + gzip.compress(MANY))
    assert sum_up(tmp_path / "a.gz").failed == 1000


@pytest.mark.parametrize("compressed", [False, True])
def test_standard_input(monkeypatch: pytest.MonkeyPatch, compressed: bool) -> None:
    content = gzip.compress(MANY) if compressed else MANY
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert sum_up("-").failed == 500


@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_a_line_that_is_too_long_is_counted_and_takes_no_other_with_it(
    tmp_path: Path, place: str, small_pieces: None
) -> None:
    long = line(error={"name": "TypeError", "message": "m" * 9000})
    lines = [line()] * 20
    lines.insert({"first": 0, "middle": 10, "last": 20}[place], long)
    (tmp_path / "log").write_bytes(b"\n".join(lines))
    told = sum_up(tmp_path / "log")
    assert (told.failed, told.lines.oversize, told.lines.malformed, told.total_lines) == (20, 1, 0, 21)


def test_two_lines_too_long_in_a_row(tmp_path: Path, small_pieces: None) -> None:
    (tmp_path / "log").write_bytes(b"x" * 9500 + b"\n" + b"y" * 9500 + b"\n" + line() + b"\n")
    told = sum_up(tmp_path / "log")
    assert (told.failed, told.lines.oversize, told.total_lines) == (1, 2, 3)


def test_a_damaged_file_gives_what_could_be_read(tmp_path: Path) -> None:
    whole = gzip.compress(b"\n".join(line(requestId=str(n)) for n in range(20_000)))
    (tmp_path / "cut.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "bad.gz").write_bytes(whole[:5000] + b"\x00" * 200 + whole[5200:])
    for name in ("cut.gz", "bad.gz"):
        told = sum_up(tmp_path / name)
        assert told.unread.startswith("the file is damaged:"), name
    assert sum_up(tmp_path / "cut.gz").failed > 1000


@pytest.mark.parametrize("content", [b"", gzip.compress(b"")], ids=["plain", "compressed"])
def test_an_empty_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "log").write_bytes(content)
    told = sum_up(tmp_path / "log")
    assert (told.failed, told.total_lines, told.unread) == (0, 0, "")


def test_what_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MisuseError, match="nowhere cannot be read: No such file"):
        sum_up(tmp_path / "nowhere")
    with pytest.raises(MisuseError, match="Is a directory"):
        sum_up(tmp_path)


def test_a_read_that_fails_half_way_is_a_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise OSError(5, "Input/output error")
            return super().read(2000)

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Failing(MANY)))
    assert Cut("the file could not be read on: Input/output error") in list(read_log_file("-"))
    sys.stdin.detach()
