# The few commands of a checkout. Each sets itself up: a venv in .venv, packages by hash from beket/app/locks.
PYTHON ?= python3
VENV := .venv/bin
ARGS ?=
WORKERS ?= 3
NAME ?=

.PHONY: help demo test lint bench pictures torture lock clean
help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

demo: ## a living community on this machine; make demo ARGS='--seconds 90 --require video,samples'
	@$(PYTHON) -m beket.app.bootstrap demo
	@exec $(VENV)/beket demo $(ARGS)

test: ## set up and pass all tests; make test ARGS='tests/unit -k clock' for some
	@$(PYTHON) -m beket.app.bootstrap test
	@exec $(VENV)/python -m pytest $(or $(ARGS),-n $(WORKERS) --dist loadfile)

lint: ## ruff, mypy --strict and the import contracts
	@$(PYTHON) -m beket.app.bootstrap test
	$(VENV)/ruff format --check .
	$(VENV)/ruff check .
	$(VENV)/mypy
	$(VENV)/lint-imports

bench: ## measure against a control; make -s bench NAME=capture prints one JSON line, no NAME runs all
	@$(PYTHON) -m beket.app.bootstrap test >&2
	@exec $(VENV)/python -m tests.benchmarks $(NAME)

pictures: ## make the README's pictures anew, in a real browser
	@$(PYTHON) -m beket.app.bootstrap test
	@exec $(VENV)/python -m tests.pictures

torture: ## the long proofs: soaks, kills, power cuts
	@$(PYTHON) -m beket.app.bootstrap test
	@exec $(VENV)/python -m pytest -s -m torture --override-ini timeout=3600 $(or $(ARGS),tests/torture)

lock: ## choose package versions anew and write their hashes
	@$(PYTHON) -m beket.app.bootstrap test
	@$(VENV)/pip install --quiet uv
	@for extra in site centre demo test; do \
	  $(VENV)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11 \
	    --extra $$extra pyproject.toml --group build -o beket/app/locks/$$extra.txt --upgrade || exit 1; done

clean: ## remove what the commands above made, demo recordings apart
	rm -rf .venv .mypy_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info build
