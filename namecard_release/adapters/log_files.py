"""Log files and standard input read in pieces, plain or gzip. What their lines say belongs to `log_lines`."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, cast

from namecard_release.adapters.log_lines import LineReader
from namecard_release.domain.log_events import Cut, LogEvent
from namecard_release.errors import MisuseError

PIECE = 1 << 20
# CloudWatch takes events of up to 1 MB; nobody writes a longer line and means to have it read.
LONGEST_LINE = 4 << 20
STDIN = "-"


def read_log_file(
    name: str,
    service: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> Iterator[LogEvent]:
    """Read a file of log lines, `-` for standard input, whichever of plain and gzip it is.

    A file that ends in the middle of its compression gives what could be read, and a `Cut`. Raises MisuseError for one
    that cannot be opened.
    """
    reader = LineReader(service, since, until)
    if name == STDIN:
        yield from _read(sys.stdin.buffer, reader)
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115
    except OSError as error:
        raise MisuseError(f"log file {name} cannot be read: {error.strerror}") from error
    with file:
        yield from _read(file, reader)


def _read(file: BinaryIO, reader: LineReader) -> Iterator[LogEvent]:
    pieces = _pieces(file)
    carry, skipping = b"", False
    try:
        for piece in pieces:
            lines = piece.split(b"\n")
            oversize = 0
            if skipping and len(lines) > 1:
                lines[0], skipping = b"", False
                # The line that was given up ends here, and what is before its end is not a line.
                del lines[0]
            elif skipping:
                continue
            else:
                lines[0] = carry + lines[0]
            carry = lines.pop()
            if len(carry) > LONGEST_LINE:
                carry, skipping, oversize = b"", True, 1
            yield from reader.read(lines, oversize)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        yield Cut(f"the file is damaged: {error}")
    except OSError as error:
        yield Cut(f"the file could not be read on: {error.strerror}")
    if carry:
        yield from reader.read([carry])


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    first = file.read(PIECE)
    if first[:2] == b"\x1f\x8b":
        unzipped = gzip.GzipFile(fileobj=cast("BinaryIO", _Rejoined(first, file)))
        while piece := unzipped.read(PIECE):
            yield piece
        return
    while first:
        yield first
        first = file.read(PIECE)


class _Rejoined:
    """A stream whose first piece was read already; standard input cannot be wound back."""

    def __init__(self, first: bytes, rest: BinaryIO) -> None:
        self._first, self._rest = first, rest

    def read(self, size: int = -1) -> bytes:
        if not self._first:
            return self._rest.read(size)
        given = self._first if size < 0 else self._first[:size]
        self._first = self._first[len(given) :]
        return given
