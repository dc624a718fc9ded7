# Sirocco: every task by name. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --no-input
DONE := .venv/.done

.DEFAULT_GOAL := help
.PHONY: coverage reference conformance help run setup setup-test hypervisor-packages web lock check lint types imports test bench

help: ## list the tasks
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | sort | awk -F'\t' '{printf "  %-18s %s\n", $$1, $$2}'

run: setup ## set up what is missing, start everything, deploy a first machine; Ctrl-C stops
	@exec .venv/bin/siroccod up

setup: $(DONE)/sirocco hypervisor-packages web ## set up without starting

setup-test: $(DONE)/test setup
	@tools/debian-packages test || echo "Tests that need these packages will be skipped, and say so."

hypervisor-packages:
	@tools/debian-packages hypervisor || echo "Going on without: libvirt's test driver or the fake provider will serve."

$(DONE)/venv: deploy/debian-packages.txt
	@tools/debian-packages python
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed; python3 is $$(python3 -V)." >&2; exit 1; }
	@test -x $(PY) || { echo "Making the virtual environment .venv"; python3 -m venv .venv; }
	@mkdir -p $(DONE) && touch $@

$(DONE)/server: requirements/build.txt requirements/server.txt | $(DONE)/venv
	@echo "Installing Python packages"
	@$(PIP) install -q --require-hashes -r requirements/build.txt
	@$(PIP) install -q --require-hashes --no-build-isolation -r requirements/server.txt
	@touch $@

$(DONE)/sirocco: pyproject.toml client/pyproject.toml $(DONE)/server
	@$(PIP) install -q --no-deps --no-build-isolation -e . -e client
	@touch $@

$(DONE)/test: requirements/dev.txt $(DONE)/sirocco
	@echo "Installing Python packages for tests"
	@$(PIP) install -q --require-hashes --no-build-isolation -r requirements/dev.txt
	@touch $@

CATALOGUES := $(shell find web/translations -name '*.po' 2>/dev/null)

web: $(if $(wildcard web/package.json),web/static/manifest.json) $(if $(CATALOGUES),$(DONE)/translations)

web/static/manifest.json: $(wildcard web/*.json web/build.mjs) $(shell find web/assets -type f 2>/dev/null) $(DONE)/node_modules
	@echo "Building front-end assets"
	@cd web && npm run --silent build
	@touch $@

$(DONE)/node_modules: web/package-lock.json | $(DONE)/venv
	@tools/debian-packages web
	@echo "Installing front-end packages"
	@cd web && npm ci --silent --no-audit --no-fund
	@touch $@

$(DONE)/translations: $(CATALOGUES) $(DONE)/server
	@.venv/bin/pybabel -q compile -f -d web/translations
	@touch $@

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

ORDER ?= 1
test: setup-test check ## set up what is needed and pass the whole suite (ORDER=N: another order of tests)
	$(PY) -m pytest -q -n 2 --dist loadfile -p randomly --randomly-seed=$(ORDER) -m "not (hypervisor or browser or faults)"
	$(PY) -m pytest -q -n 2 --dist loadfile -p no:randomly -m "hypervisor or browser or faults"

coverage: setup-test ## 100 % of the branches where an issue asks for it
	$(PY) tools/coverage_gate.py

bench: $(filter-out bench,$(shell grep -oE '^bench-[a-z]+' $(firstword $(MAKEFILE_LIST)))) ## every benchmark table

bench-placement: ## placement: figures to reach, written to docs/
	$(PY) -m bench.placement
	$(PY) -m bench.placement.shuffles

bench-foundation: ## API, worker and portal under load: figures to reach, written to docs/
	$(PY) -m bench.foundation

bench-leases: ## leases: figures to reach, written to docs/
	$(PY) -m bench.leases

bench-ovf: ## OVF: figures to reach, written to docs/
	$(PY) -m bench.ovf

fuzz-ovf: ## OVF: fuzz the parsers (SECONDS_EACH per target, default 60)
	$(PY) -m tests.fuzz.ovf $(or $(SECONDS_EACH),60)

reference: ## write the generated pages of docs/reference anew
	$(PY) -m api.reference
	$(PY) tools/settings_page.py
	$(PY) tools/cli_page.py

conformance: ## prove what each connector states, and write docs/reference/conformance.md
	$(PY) -m pytest -q tests/connector
	$(PY) -m tools.conformance
