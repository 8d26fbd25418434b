"""The second process of a lint over many files: takes shares from its input and gives what became of each."""

from __future__ import annotations

import gc
import sys

from namecard_release.adapters.sql.linter import lint_share
from namecard_release.adapters.sql.shares import Linted, Share, put, take
from namecard_release.errors import ReleaseError


def main() -> int:
    """Lint shares until there are no more."""
    # Its life is a second long, and facts have no cycles.
    gc.disable()
    while True:
        try:
            share = take(sys.stdin.buffer)
        except EOFError:
            return 0
        if not isinstance(share, Share):
            return 2
        put(sys.stdout.buffer, _lint(share))


def _lint(share: Share) -> Linted | None:
    try:
        return lint_share(share)
    except ReleaseError:
        # The other process does it over, and tells the error.
        return None


if __name__ == "__main__":
    sys.exit(main())
