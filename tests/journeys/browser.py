"""A headless Chromium for the journeys: the system's where there is one, else the one in an npm package."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from namecard_release.sandbox.toolchain import ensure_toolchain

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_PACKAGE = "@sparticuz/chromium@153.0.0"
# Without these Chromium asks the vendor's hosts for updates and experiments at every start.
_FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--hide-scrollbars"),
)


@contextmanager
def open_page() -> Iterator[Page]:
    """Open a page in a new browser, which is closed whatever happens."""
    with sync_playwright() as playwright:
        program, environment = find_chromium()
        browser = playwright.chromium.launch(executable_path=program, args=list(_FLAGS), env=environment)
        try:
            # In the C locale Chromium calls its language en-US@posix, on which the UI renders nothing and says nothing.
            yield browser.new_page(viewport={"width": 1600, "height": 900}, locale="en-US")
        finally:
            browser.close()


def find_chromium() -> tuple[str, dict[str, str | float | bool]]:
    """Find or install a Chromium; gives its path and the environment it needs."""
    found = next((path for path in map(shutil.which, _NAMES) if path), None)
    environment: dict[str, str | float | bool] = dict(os.environ)
    if found is not None:
        return found, environment
    folder = Path(sys.prefix) / "browser"
    program, libraries = folder / "chromium", folder / "al2023" / "lib"
    if not program.is_file():
        _install(folder)
    return str(program), {**environment, "LD_LIBRARY_PATH": str(libraries)}


def _install(folder: Path) -> None:
    tools = ensure_toolchain()
    folder.mkdir(parents=True, exist_ok=True)
    # It unpacks itself into TMPDIR, with the libraries a bare machine lacks when it takes itself to be on Lambda.
    environment = {
        **os.environ,
        "PATH": tools.path,
        "TMPDIR": str(folder),
        "AWS_EXECUTION_ENV": "AWS_Lambda_nodejs22.x",
    }
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    unpack = "import chromium from '@sparticuz/chromium'; await chromium.executablePath();"
    for argv in (["npm", "install", "--no-save", "--silent", _PACKAGE], ["node", "--input-type=module", "-e", unpack]):
        subprocess.run(argv, cwd=folder, env=environment, check=True, timeout=300)
