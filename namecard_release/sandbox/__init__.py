"""A whole NameCard on one machine: emulator, PostgreSQL, sample platform. Only the CLI and the tests import it."""
