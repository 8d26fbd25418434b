"""What needs no server: URLs, secrets' fields, positions in a file, names of left-overs."""

from __future__ import annotations

import psycopg2
import pytest

from namecard_release.adapters.migrator import describe_position
from namecard_release.adapters.postgres import server_of, tell
from namecard_release.adapters.target_database import url_from_fields
from namecard_release.adapters.throw_away import is_left_over

FIELDS = {"host": "h", "port": "5432", "username": "u", "password": "p", "dbname": "d"}


@pytest.mark.parametrize(
    ("change", "url"),
    [
        ({}, "postgresql://u:p@h:5432/d?sslmode=require"),
        ({"host": "localhost"}, "postgresql://u:p@localhost:5432/d"),
        ({"host": "::1"}, "postgresql://u:p@[::1]:5432/d"),
        ({"username": "a@b", "password": "/?#%"}, "postgresql://a%40b:%2F%3F%23%25@h:5432/d?sslmode=require"),
    ],
)
def test_fields_become_a_url(change: dict[str, str], url: str) -> None:
    assert url_from_fields({**FIELDS, **change}) == url


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("postgresql://u:p@h:6543/d", "h:6543/d"),
        ("postgresql+psycopg2://u:p@h/d", "h:5432/d"),
        ("postgresql:///d", "the default host:5432/d"),
        ("host=h password=p", "an address that is no postgresql:// URL"),
        ("postgresql://u:p@h:port/d", "an address that is no postgresql:// URL"),
    ],
)
def test_a_server_is_named_without_its_login(url: str, server: str) -> None:
    assert server_of(url) == server


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("\n  first\nsecond", "first"),
        ("login with p@ss or p%40ss failed", "login with *** or *** failed"),
        ('invalid dsn: missing "=" after "p@ss"', "the database URL cannot be read"),
        ("", "Error"),
    ],
)
def test_an_error_is_told_without_the_password(text: str, told: str) -> None:
    assert tell(psycopg2.Error(text), "postgresql://u:p%40ss@h/d") == told


@pytest.mark.parametrize(
    ("sql", "position", "told"),
    [
        ("abc", 1, "line 1: abc"),
        ("a\nb\n  c d", 7, "line 3: c d"),
        ("a\r\nb", 4, "line 2: b"),
        ("é\nb", 3, "line 2: b"),
        ("a\x0cb\nc", 5, "line 2: c"),
        ("x" * 300, 1, "line 1: " + "x" * 120),
        ("a\n", 3, "line 2: "),
        ("", 1, "line 1: "),
    ],
)
def test_a_position_is_a_line(sql: str, position: int, told: str) -> None:
    assert describe_position(sql, position) == told


@pytest.mark.parametrize(
    ("name", "old"),
    [
        ("namecard_trial_1000_0123456789ab", True),
        ("namecard_trial_6400_0123456789ab", False),
        ("namecard_trial_1000", False),
        ("namecard_trial_1000_0123456789ab; drop", False),
        ("namecard_trial_keep", False),
        ("namecard_prod", False),
    ],
)
def test_a_left_over_tells_its_age(name: str, old: bool) -> None:
    assert is_left_over(name, 6400 + 3600) is old
