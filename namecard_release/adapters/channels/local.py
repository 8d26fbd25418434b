"""A file of JSON lines in the place of a channel, for people to read. It tells nobody else."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from namecard_release.domain.delivery import Answer, Outcome, taken
from namecard_release.domain.messages import Channel, Message


class LocalSender:
    """Appends each message to `<folder>/<channel>.jsonl`, which its user alone may read."""

    per_minute = 100_000

    def __init__(self, folder: Path, channel: Channel) -> None:
        self._file = folder / f"{channel}.jsonl"
        self.where = f"the file {self._file}, which tells nobody"

    def send(self, message: Message, thread: str | None) -> Answer:
        """Append a message as one line."""
        line = json.dumps(_plain(message, thread), ensure_ascii=False) + "\n"
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            with os.fdopen(handle, "ab") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                # A line that a killed process left unfinished ends here, and its message comes again.
                file.write(b"" if self._ends_whole() else b"\n")
                file.write(line.encode())
        except OSError as error:
            reason = f"{self._file} cannot be written: {error.strerror}"
            return Answer(Outcome.UNSURE, reason, closed=True)
        return taken(message.key)

    def find(self, message: Message, thread: str | None) -> Answer:
        """Look for the message's line."""
        try:
            found = any(line.get("key") == message.key for line in self._lines())
        except OSError as error:
            return Answer(Outcome.UNSURE, f"{self._file} cannot be read: {error.strerror}", closed=True)
        return taken(message.key) if found else Answer(Outcome.NOT_TAKEN)

    def check(self) -> Answer:
        """Find nothing wrong: the folder is made when it is needed."""
        return taken("")

    def _ends_whole(self) -> bool:
        with self._file.open("rb") as file:
            if file.seek(0, os.SEEK_END) == 0:
                return True
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"

    def _lines(self) -> Iterator[dict[str, Any]]:
        if not self._file.exists():
            return
        with self._file.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                try:
                    told = json.loads(line)
                except ValueError:
                    continue
                if isinstance(told, dict):
                    yield told


def _plain(message: Message, thread: str | None) -> dict[str, Any]:
    return {
        "key": message.key,
        "at": message.at.isoformat(),
        "channel": message.channel.value,
        "subject": message.subject,
        "kind": message.kind.value,
        "title": message.title,
        "text": message.text,
        "fields": dict(message.fields),
        "thread": thread,
    }
