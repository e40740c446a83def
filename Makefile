# make demo     try Tocsin with a Slack on this machine          make test    every test, on SQLite and on PostgreSQL
# make check    lint and the quick tests, while you work         CONTRIBUTING.md tells of the others

SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
export PYTHON

# A development environment also runs the demo, so `make demo` after `make test` installs nothing.
DEMO := $(if $(wildcard .venv/.dev),.venv/.dev,.venv/.demo)
DEV := .venv/.dev
PYTEST := .venv/bin/python -m pytest
WORKERS ?= 2
QUICK := not (processes or browser or guarantee or slow)
# What failed among others is run once more, alone: a machine that was busy is no fault of ours, and what fails again is.
AGAIN := -n 0 --last-failed --last-failed-no-failures none --maxfail 10
define suite
$(1) $(PYTEST) -n $(WORKERS) $(2) $(ARGS) || { \
  echo "=== once more, alone: what has failed"; \
  $(1) $(PYTEST) $(AGAIN) $(2) && echo "=== shaky: what failed before has passed alone. Find out why."; }
endef

.PHONY: help demo test quick check lint format types guarantees requirements system golden trace card shots bench

help: ## this list
	@sed -nE 's/^([a-z]+):.*## (.*)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

.venv/.demo: requirements/demo.txt requirements/uv.txt requirements/install
	@requirements/install demo

.venv/.dev: requirements/dev.txt requirements/uv.txt requirements/install
	@requirements/install dev

demo: $(DEMO) ## try Tocsin with a Slack on this machine; ARGS="--headless --json" for programs
	@exec .venv/bin/tocsin demo $(ARGS)

test: $(DEV) system ## every test on SQLite, then what touches the database on PostgreSQL
	@failed=0; \
	{ $(call suite,,); } || failed=1; \
	{ $(call suite,TOCSIN_TEST_DATABASE=postgresql,-m database); } || failed=1; \
	exit $$failed

quick: $(DEV) ## pure and SQLite tests, about a minute
	$(PYTEST) -n $(WORKERS) -m "$(QUICK)" $(ARGS)

check: lint quick ## lint and quick

lint: $(DEV) ## ruff, mypy, import-linter
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	$(MAKE) --no-print-directory types
	.venv/bin/lint-imports --no-logo

types: $(DEV) ## mypy alone
	TOCSIN_SECRET_KEY=read-by-no-process-only-by-the-type-checker .venv/bin/mypy

format: $(DEV) ## let ruff write
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

guarantees: $(DEV) system ## the promises at the sizes CI uses, on both databases
	@failed=0; \
	{ $(call suite,TOCSIN_GUARANTEES=ci,-m guarantee); } || failed=1; \
	{ $(call suite,TOCSIN_GUARANTEES=ci TOCSIN_TEST_DATABASE=postgresql,-m "guarantee and database"); } || failed=1; \
	exit $$failed

bench: $(DEV) ## Tocsin against its peers and the floor; ARGS="--only clicks --database sqlite"
	.venv/bin/python -m bench $(ARGS)

golden: $(DEV) ## draw the golden files anew, and show the difference
	TOCSIN_GOLDEN=write $(PYTEST) -q -k golden
	git diff --stat -p -- tests/golden

requirements: $(DEV) ## compile requirements/*.txt again from pyproject.toml; ARGS=--upgrade for new versions
	@requirements/compile $(ARGS)

card: $(DEV) system ## one golden card as the simulator draws it, into .shots/; NAME=issue_new
	.venv/bin/python -m tests.pictures card $(or $(NAME),issue_new) .shots

shots: $(DEV) system ## pictures of the story and the pages, light and dark, wide and narrow, into .shots/
	.venv/bin/python -m tests.pictures story .shots

trace: $(DEV) ## the functions and the SQL that a click passes through; CLICK=resolve
	TOCSIN_TRACE=$(or $(CLICK),resolve) $(PYTEST) -q -n0 tests/trace_click.py

system: # what tests need beside Python packages: chromium, PostgreSQL, strace
	@tests/install-system-packages
