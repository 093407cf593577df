# What a person types. A fresh machine needs Python >= 3.11 and make, nothing else: everything is installed into .venv
# from pinned, hashed requirements, and a stamp makes the second run quick.

PYTHON ?= python3
ARGS ?=
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help demo test check lint types imports bench format requirements clean

help:
	@echo "make demo    the main job, end to end, on simulated gateways (ARGS=--once: exit when all are verified)"
	@echo "make test    the whole test suite (ARGS passes on to pytest)"
	@echo "make check   lint, types, import layers"
	@echo "make bench   what a session costs, beside a floor measured in the same run"
	@echo "make format  let ruff put the code in order"

demo: .venv/runtime.stamp
	@$(BIN)/python -m acs_bridge demo $(ARGS)

test: .venv/dev.stamp
	@$(BIN)/python -m pytest -n auto $(ARGS)

check: lint types imports

lint: .venv/dev.stamp
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: .venv/dev.stamp
	@$(BIN)/mypy

imports: .venv/dev.stamp
	@$(BIN)/lint-imports

format: .venv/dev.stamp
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
