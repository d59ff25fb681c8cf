# The commands of this project. `make` alone lists them. Everything happens inside this folder: the virtual environment
# is .venv, the demonstration's data is instance/.

VENV   ?= .venv
PY     := $(VENV)/bin/python
SHELL  := /bin/bash
STAMPS := $(VENV)/.stamps

.DEFAULT_GOAL := help
.PHONY: help install demo test lint format bench ledger-long payments-long crash race failover mutate screenshots messages addresses lock clean

help: ## list the commands
	@echo "make COMMAND, where COMMAND is one of:"
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

demo: $(STAMPS)/run ## install what is needed and start a filled marketplace on this machine
	@$(VENV)/bin/marketplace demo $(ARGS)

test: $(STAMPS)/test ## install what the tests need and run everything: style, types, tests on both databases
	@scripts/chromium.sh
	@scripts/stripe_cli.sh
	@scripts/test.sh $(ARGS)

lint: $(STAMPS)/test ## only style, types and import contracts: seconds, not minutes
	@scripts/test.sh --lint

format: $(STAMPS)/test ## put the Python code into the project's style
	@$(PY) -m ruff check --fix . && $(PY) -m ruff format .

bench: $(STAMPS)/test ## measure pages and pledges on both databases, or ARGS=--ledger, ARGS=--occupancy; prints figures, asserts nothing
	@$(PY) -m tests.benchmarks $(ARGS)

ledger-long: $(STAMPS)/test ## 50,000 random operations on the ledger of each database, against a model; some ten minutes
	@MARKETPLACE_LEDGER_STEPS=$${MARKETPLACE_LEDGER_STEPS:-50000} $(PY) -m pytest tests/core/test_ledger_properties.py -q -s -p no:cacheprovider $(ARGS)

payments-long: $(STAMPS)/test ## 10,000 random operations on payments of each database, chargebacks among them; some hours
	@MARKETPLACE_PAYMENT_STEPS=$${MARKETPLACE_PAYMENT_STEPS:-10000} $(PY) -m pytest tests/core/test_payments_walk.py -q -s -p no:cacheprovider $(ARGS)

crash: $(STAMPS)/test ## kill site and workers a thousand times on each database, and prove the books; ARGS="--kills 100 --broken all"
	@$(PY) -m tests.crash $(ARGS)

race: $(STAMPS)/test ## eight processes want the same few things, a million times: nothing is promised twice; ARGS="--attempts 20000"
	@$(PY) -m tests.race $(ARGS)

failover: $(STAMPS)/test ## kill the primary of two PostgreSQL servers while members pledge, and look for what is missing
	@$(PY) -m tests.failover $(ARGS)

mutate: build/mutation/venv/.stamp ## change the code of money in thousands of ways and count what the tests notice; hours, goes on where it was
	@build/mutation/venv/bin/python -m tests.mutation $(ARGS)

screenshots: $(STAMPS)/test ## take pictures of the main pages into docs/screenshots
	@scripts/chromium.sh
	@$(PY) scripts/screenshots.py $(ARGS)

messages: $(STAMPS)/run ## collect the texts to translate, update the catalogues and compile them
	@$(PY) scripts/messages.py

addresses: $(STAMPS)/run ## write the tables of addresses anew, after a page was added or moved
	@MARKETPLACE_ENVIRONMENT=development $(PY) -m marketplace.cli addresses

lock: ## work out the two requirement locks again from setup.cfg
	@scripts/lock.sh $(ARGS)

install: $(STAMPS)/run ## only install what running needs

clean: ## remove everything that the other commands made, except instance/
	rm -rf $(VENV) build dist .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info

# One stamp per lock: made again only when the lock or the package description changes.
$(STAMPS)/run: requirements.lock setup.cfg pyproject.toml
	@scripts/install.sh $(VENV) requirements.lock $@

$(STAMPS)/test: requirements-test.lock $(STAMPS)/run
	@scripts/install.sh $(VENV) requirements-test.lock $@

build/mutation/venv/.stamp: requirements-mutation.lock $(STAMPS)/run
	@scripts/install.sh build/mutation/venv requirements-mutation.lock $@
