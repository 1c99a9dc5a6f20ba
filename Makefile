# `make` alone says what there is. Everything runs in .venv, which is built from requirements.lock when needed.
# PYTHON=/path/to/python3.12 chooses the interpreter; ARGS="..." goes to main.py, pytest or the benchmarks.
export PYTHON

python := .venv/bin/python

MINUTES ?= 10

.PHONY: help run test check lint format bench prove venv clients lock upgrade clean

help:
	@echo 'make run      run tradebot (ARGS="--help" for its own options)'
	@echo 'make test     run the tests (ARGS="-k words" to choose)'
	@echo 'make check    everything a reviewer would run: format, lint, types, import layers, tests'
	@echo 'make lint     format, lint, types and import layers, without the tests'
	@echo 'make format   format the sources and mend what the linter can'
	@echo 'make prove    kill it for MINUTES=10, simulated and real, and say what was lost (nothing)'
	@echo 'make bench    measure everything beside its floor, in a quarter of an hour (ARGS=--quick: a few minutes)'
	@echo 'make venv     build .venv from requirements.lock, if it is not up to date'
	@echo 'make clients  build .venv-clients: the official clients of the brokers, for the tests'
	@echo 'make lock     make both lock files, keeping what is pinned'
	@echo 'make upgrade  the same with the newest versions allowed'
	@echo 'make clean    remove .venv, .postgresql and the caches; state, sessions and logs stay'

run: venv
	@$(python) main.py $(ARGS)

# Three workers on two cores: tests of whole programs spend a third of their time waiting.
test: venv clients
	@$(python) -m tests.postgresql
	@$(python) -m tests.programs
	@$(python) -m pytest -n 3 --dist loadfile $(ARGS)

check: lint test

lint: venv
	@$(python) -m ruff format --check .
	@$(python) -m ruff check .
	@$(python) -m mypy
	@$(python) -c 'from importlinter.cli import lint_imports_command; lint_imports_command(["--no-logo"])'

format: venv
	@$(python) -m ruff format .
	@$(python) -m ruff check --fix .

bench: venv
	@$(python) -m benchmarks $(ARGS)

prove: venv
	@$(python) -m tests.simulator.prove --minutes $(MINUTES) $(ARGS)

venv:
	@setup/venv.sh install

# Where they cannot be had, the tests that need them say so and are skipped, unless they are said to be required.
clients:
	@setup/venv.sh clients || [ "$$TRADEBOT_TEST_CLIENTS" != required ]

lock:
	@setup/venv.sh lock

upgrade:
	@setup/venv.sh upgrade

clean:
	rm -rf .venv .postgresql .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
