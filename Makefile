# One place for the commands; prerequisites are make, git and Python 3.11 or newer.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export UV_COMPILE_BYTECODE := 1
export PYTHONDONTWRITEBYTECODE :=

.PHONY: env demo ui down test check bench crash lock

env: $(VENV)/.installed

$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: set PYTHON=/path/to/python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip sync --quiet --require-hashes requirements.lock
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --quiet --no-deps --editable .
	@touch $@

lock:
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--extra sandbox --group dev pyproject.toml --output-file requirements.lock

demo: env
	@$(BIN)/namecard-release sandbox demo

ui: env
	@$(BIN)/namecard-release sandbox up

down:
	@$(BIN)/namecard-release sandbox down

# Journeys have the machine to themselves: they measure seconds. Everything else runs on every core.
test: env
	@$(BIN)/python -m pytest -m "not journey and not crash_matrix" -n auto --dist loadfile
	@$(BIN)/python -m pytest -m "journey and not crash_matrix"

check: env
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) NAMECARD_RELEASE_SETTINGS=deploy/namecard-release.example.toml $(BIN)/dg check defs

bench: env
	@$(BIN)/python -m benchmarks

# Every cell of the crash matrix; the table in docs/crashes.md is written when all of them held. RESUME=1 goes on with a
# play that was cut short: what held on the very same code is not played again.
CRASH_RECORD := .crash-record.jsonl
crash: env
	@$(if $(RESUME),,rm -f $(CRASH_RECORD);) NAMECARD_CRASH_RECORD=$(CRASH_RECORD) NAMECARD_CRASH_TABLE=docs/crashes.md \
		$(BIN)/python -m pytest -q -m crash_matrix tests/journeys/test_recovery.py
