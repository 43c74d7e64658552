# Everything installs into .venv; no step is done by hand. PIP_ARGS is passed to every pip install.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := -m pip install --disable-pip-version-check --quiet $(PIP_ARGS)
PIP := $(BIN)/python $(PIP_INSTALL) -c constraints.txt
MINISTACK := .venv-ministack
PYTEST := $(BIN)/python -m pytest

.PHONY: install ministack demo serve test test-all soak lint bench generate clean

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Chorale needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) -e '.[models]'
	$(PIP) --no-deps tinysoundfont
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) -e '.[models,lambda,dev]'
	touch $@

# Another emulator, for proofs that the service does not lean on ours; it needs versions of its own.
ministack: $(MINISTACK)/.installed

$(MINISTACK)/.installed: tests/ministack-constraints.txt
	$(PYTHON) -m venv $(MINISTACK)
	$(MINISTACK)/bin/python $(PIP_INSTALL) -c $< ministack
	touch $@

demo: install
	$(BIN)/chorale demo

serve: install
	$(BIN)/chorale serve

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(PYTEST) -m 'not slow'

# How long the longest proofs are: the mixed load with restarts, and the rounds of kill -9 under load.
SOAK_SECONDS ?= 3600
KILL_ROUNDS ?= 100
LONG_PROOFS := CHORALE_SOAK_SECONDS=$(SOAK_SECONDS) CHORALE_KILL_ROUNDS=$(KILL_ROUNDS)

test-all: lint ministack
	$(LONG_PROOFS) $(PYTEST)

soak: $(VENV)/.installed-dev
	$(LONG_PROOFS) $(PYTEST) -s tests/durability/test_soak.py

bench: $(VENV)/.installed-dev
	$(PIP) -e '.[bench]'
	$(BIN)/python -m tests.benchmarks

# Everything that is generated from declarations; a test fails when one of these files is stale.
generate: $(VENV)/.installed-dev
	$(BIN)/python -m service.api.service_model
	$(BIN)/python -m service.api.reference
	$(BIN)/python -m tests.documents

clean:
	rm -rf $(VENV) $(MINISTACK) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis demo-output
