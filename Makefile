# What a person types. A fresh machine needs make and Python >= 3.11, nothing else: everything is installed into .venv
# from pinned, hashed requirements, and a stamp for each set of requirements makes the next run quick.

PYTHON ?= python3
UV ?= uv
VENV ?= .venv
ARGS ?=
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test browser check lint types imports bench fuzz fuzz-api format schemas secrets requirements clean

help:
	@echo "make demo     the main job, end to end, on simulated gateways (ARGS=--once ends when all are verified)"
	@echo "make test     the whole test suite (ARGS goes to pytest)"
	@echo "make browser  what the console's tests need beside Python: without it, and chromium, they are skipped"
	@echo "make check    lint, types and import layers"
	@echo "make bench    what a session costs, beside a floor measured in the same run"
	@echo "make fuzz     look for bytes that break a reader (ARGS: a target, then libFuzzer's options)"
	@echo "make fuzz-api call all of /v1 with every role, as its description says (ARGS go to schemathesis)"
	@echo "make format   let ruff put the code in order"
	@echo "make schemas  the descriptions in schemas, after a change of a route, a model or a SOAP operation"
	@echo "make secrets  the passwords that docker-compose.yml mounts"
	@echo "make clean    remove $(VENV) and the tools' caches"

demo: $(VENV)/runtime.stamp
	@echo "==> acs-bridge demo $(ARGS)"
	@$(BIN)/python -m acs_bridge demo $(ARGS)

# Bytecode is written even where the environment forbids it: every worker would compile all tests again otherwise.
test: $(VENV)/dev.stamp
	@echo "==> The whole test suite, on a real Postgres that it starts itself"
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

# The checker of accessibility that runs inside the pages. The browser itself is the system's (apt install chromium).
CONSOLE_TESTS := tests/acceptance/console
browser: $(CONSOLE_TESTS)/node_modules/.package-lock.json

$(CONSOLE_TESTS)/node_modules/.package-lock.json: $(CONSOLE_TESTS)/package-lock.json
	@echo "==> Installing what the console's tests need from npm"
	@cd $(CONSOLE_TESTS) && npm ci --silent --ignore-scripts
	@touch $@

check: lint types imports

lint: $(VENV)/dev.stamp
	@echo "==> ruff, yamllint, hadolint"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/yamllint --strict .
	@$(BIN)/hadolint Dockerfile

types: $(VENV)/dev.stamp
	@echo "==> mypy"
	@$(BIN)/mypy

imports: $(VENV)/dev.stamp
	@echo "==> import-linter"
	@$(BIN)/lint-imports

bench: $(VENV)/dev.stamp
	@echo "==> tests/bench"
	@$(BIN)/python -m tests.bench $(ARGS)

# atheris has no wheel for every Python and system that we run on, so that it is not among what the suite needs.
fuzz: $(VENV)/dev.stamp
	@$(BIN)/python -c 'import atheris' 2>/dev/null || $(INSTALL) --require-hashes --only-binary :all: \
	  --requirement requirements-fuzz.txt || { echo "atheris cannot be installed here: there is no fuzzing" >&2; exit 1; }
	@$(BIN)/python -m tests.fuzz $(ARGS)

fuzz-api: $(VENV)/dev.stamp
	@$(BIN)/python -m tests.fuzz_api $(ARGS)

format: $(VENV)/dev.stamp
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

# Everything that the tests and the checks need is in requirements-dev.txt, with the same pins for what both name.
$(VENV)/dev.stamp: requirements-dev.txt pyproject.toml | $(VENV)/bin/python
	@echo "==> Installing what the daemon, its tests and its checks need into $(VENV)"
	@$(INSTALL) --require-hashes --requirement requirements-dev.txt
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/runtime.stamp

$(VENV)/runtime.stamp: requirements.txt pyproject.toml | $(VENV)/bin/python
	@echo "==> Installing what the daemon needs into $(VENV)"
	@$(INSTALL) --require-hashes --requirement requirements.txt
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "$(PYTHON) is not Python 3.11 or newer: name one, as in: make PYTHON=python3.13" >&2; exit 1; }
	@echo "==> Creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) \
	  || { rm -rf $(VENV); echo "$(PYTHON) cannot create a venv (on Debian: apt install python3-venv)" >&2; exit 1; }

schemas: $(VENV)/dev.stamp
	@set -e; generate() { $(BIN)/acs-bridge $$1 $$2 > $$3.new || { rm $$3.new; exit 1; }; mv $$3.new $$3; }; \
	  generate soap wsdl schemas/soap/provisioning.wsdl; \
	  generate soap xsd schemas/soap/provisioning.xsd; \
	  generate openapi json schemas/openapi.json; \
	  generate openapi html schemas/reference.html

secrets:
	@$(PYTHON) config/make_secrets.py

# After a change of the dependencies in pyproject.toml. No index, link or host is written into the files.
COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-emit-find-links --custom-compile-command "make requirements" $(ARGS)
requirements:
	@$(COMPILE) pyproject.toml --group build --output-file requirements.txt
	@$(COMPILE) pyproject.toml --group build --group dev --constraints requirements.txt --output-file requirements-dev.txt
	@$(COMPILE) --group fuzz --output-file requirements-fuzz.txt

clean:
	rm -rf $(VENV) $(CONSOLE_TESTS)/node_modules .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
