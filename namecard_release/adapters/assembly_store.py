"""Cloud assemblies kept in a folder by the digest of their content. What is in one is read by `assembly_reading`."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from namecard_release.adapters.assembly_reading import read_assembly
from namecard_release.domain.assembly import Assembly, FunctionCode
from namecard_release.errors import PermanentError

# What cdk leaves beside the assembly's own files while it works: archives, and locks of who reads and writes.
_VOLATILE = re.compile(r"\.cache|synth\.lock|read\..*\.lock")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class FileAssemblyStore:
    """Assemblies at `folder/<digest>/`, each described by `folder/<digest>.json`.

    A kept folder is never written again: deploy from a copy, since cdk writes into the folder it deploys.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()

    def put(self, folder: Path, release: str, environment: str, inputs: str, now: datetime) -> Assembly:
        """Keep a copy of a synthesised folder, whole or not at all. Raises PermanentError when it is no assembly."""
        facts = read_assembly(folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".keeping-", dir=self._folder) as scratch:
            copy = Path(scratch) / "assembly"
            copy_assembly(folder, copy)
            digest = digest_folder(copy)
            kept = self._folder / digest
            if not _is_intact(kept, digest):
                if kept.exists():
                    kept.rename(Path(scratch) / "changed")
                # Another process may keep the same content at this moment: either copy will do.
                with contextlib.suppress(FileExistsError, OSError):
                    copy.rename(kept)
        if not _is_intact(kept, digest):
            raise PermanentError(f"the assembly {digest[:12]} could not be kept in {self._folder}: check its disk")
        assembly = Assembly(
            digest=digest,
            release=release,
            environment=environment,
            inputs=inputs,
            path=str(kept),
            stacks=facts.stacks,
            functions=facts.functions,
            migrations=facts.migrations,
            built_at=now,
        )
        self._describe(assembly)
        return assembly

    def get(self, digest: str) -> Assembly:
        """Give a kept assembly after hashing its files again.

        Raises PermanentError when it is absent or its content is no longer what was kept.
        """
        assembly = self._read(digest)
        if assembly is None:
            raise PermanentError(f"no assembly {digest[:12]} in {self._folder}: build it again")
        if not _is_intact(Path(assembly.path), digest):
            raise PermanentError(f"assembly {digest[:12]} in {self._folder} was changed since: build it again")
        return assembly

    def find(self, release: str, environment: str, inputs: str) -> Assembly | None:
        """Find the newest intact assembly built from the same inputs; a changed one counts as none."""
        wanted = (release, environment, inputs)
        found = [a for a in self._descriptions() if (a.release, a.environment, a.inputs) == wanted]
        for assembly in sorted(found, key=lambda a: a.built_at, reverse=True):
            if _is_intact(Path(assembly.path), assembly.digest):
                return assembly
        return None

    def _descriptions(self) -> Iterator[Assembly]:
        for path in self._folder.glob("*.json"):
            assembly = self._read(path.stem)
            if assembly is not None:
                yield assembly

    def _read(self, digest: str) -> Assembly | None:
        if _DIGEST.fullmatch(digest) is None:
            return None
        path = self._folder / f"{digest}.json"
        try:
            return _from_json(json.loads(path.read_bytes()), str(self._folder / digest))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise PermanentError(f"{path} cannot be read: {error}; remove it and build the assembly again") from error

    def _describe(self, assembly: Assembly) -> None:
        # The path is where the store is now, not where it was: it may be moved or mounted elsewhere.
        fields = {**asdict(replace(assembly, path="")), "built_at": assembly.built_at.isoformat()}
        descriptor, name = tempfile.mkstemp(prefix=".describing-", dir=self._folder)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(fields, file, indent=1, sort_keys=True)
        Path(name).replace(self._folder / f"{assembly.digest}.json")


def copy_assembly(source: Path, target: Path) -> None:
    """Copy an assembly without what cdk left there while it worked; modes stay, for they go into the archives."""

    def left_out(folder: str, names: list[str]) -> list[str]:
        # Only beside a manifest: an asset may well hold a file of such a name.
        return [name for name in names if _VOLATILE.fullmatch(name)] if "manifest.json" in names else []

    shutil.copytree(source, target, symlinks=True, ignore=left_out)


def digest_folder(folder: Path) -> str:
    """Give the SHA-256 over all files: sorted relative paths, kinds, the executable bit, contents and link targets."""
    total = hashlib.sha256()
    for path in sorted(_walk(folder), key=lambda path: os.fsencode(path.relative_to(folder))):
        name = os.fsencode(path.relative_to(folder))
        kind, content = _content(path)
        total.update(b"%s %s %d:%s\n" % (kind, content, len(name), name))
    return total.hexdigest()


def _walk(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        yield from (Path(parent, name) for name in (*folders, *files))


def _content(path: Path) -> tuple[bytes, bytes]:
    if path.is_symlink():
        return b"link", hashlib.sha256(os.fsencode(path.readlink())).hexdigest().encode()
    if path.is_dir():
        return b"folder", b"-"
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest().encode()
    return (b"program" if path.stat().st_mode & 0o100 else b"file"), digest


def _is_intact(folder: Path, digest: str) -> bool:
    return folder.is_dir() and digest_folder(folder) == digest


def _from_json(fields: dict[str, Any], path: str) -> Assembly:
    return Assembly(
        digest=fields["digest"],
        release=fields["release"],
        environment=fields["environment"],
        inputs=fields["inputs"],
        path=path,
        stacks=tuple(fields["stacks"]),
        functions=tuple(FunctionCode(**function) for function in fields["functions"]),
        migrations=None if fields["migrations"] is None else tuple(fields["migrations"]),
        built_at=datetime.fromisoformat(fields["built_at"]),
    )
