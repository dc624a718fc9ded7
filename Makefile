# Sirocco: every task by name. `make help` lists them.
SHELL := /bin/bash
PY := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help lock check lint types imports test

help: ## list the tasks
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | sort | awk -F'\t' '{printf "  %-18s %s\n", $$1, $$2}'

check: lint types imports ## lint, types, import rules

lint:
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m codespell_lib

types:
	$(PY) -m mypy

imports:
	.venv/bin/lint-imports --no-cache

lock: ## resolve the hashed requirement files anew (maintainers)
	.venv/bin/uv pip compile -q --generate-hashes --no-header --no-annotate requirements/build.in -o requirements/build.txt
	.venv/bin/uv pip compile -q --generate-hashes --no-header --no-annotate pyproject.toml client/pyproject.toml --extra plot -o requirements/server.txt
	.venv/bin/uv pip compile -q --generate-hashes --no-header --no-annotate -c requirements/server.txt pyproject.toml client/pyproject.toml --extra plot --group dev -o requirements/dev.txt

test: ## set up what is needed and pass the whole suite
	$(PY) -m pytest


bench-placement: ## placement: figures to reach, written to docs/
	$(PY) -m bench.placement

bench-leases: ## leases: figures to reach, written to docs/
	$(PY) -m bench.leases

bench-ovf: ## OVF: figures to reach, written to docs/
	$(PY) -m bench.ovf

fuzz-ovf: ## OVF: fuzz the parsers (SECONDS_EACH per target, default 60)
	$(PY) -m tests.fuzz.ovf $(or $(SECONDS_EACH),60)
