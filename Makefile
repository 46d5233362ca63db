# Everything a person does here. `make run` and `make test` need Python 3.11 or later and set up all the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
NEWMAN := node_modules/.bin/newman

.DEFAULT_GOAL := help
.PHONY: help install run test lint format openapi errors-doc postman mutation mutants bench bench-peers bench-scale bench-ledger bench-profile faults fuzz clean

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "Variables of run: HOST, PORT, WORKERS, THREADS, DATA_DIR and all that .env.example explains."

run: $(INSTALLED) ## Serve the bank, with a database of its own unless MONGO_URI is set
	@test -n "$$FLASK_ENV" || grep -qs '^FLASK_ENV=' .env || export FLASK_ENV=development; exec $(BIN)/python run.py

test: lint ## Run the linters, all tests, and what compares the documents under docs/ with the code
	@$(BIN)/pytest --numprocesses auto --maxprocesses 4 --cov

lint: $(INSTALLED) ## Check style, types, layers, and what is dangerous in code
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/bandit --quiet --configfile pyproject.toml --recursive app config.py run.py house_rules
	@$(BIN)/python -m house_rules

fuzz: $(INSTALLED) ## Make up N (200) requests for each operation, as each kind of caller, from the description
	@FUZZ_EXAMPLES=$(or $(N),200) $(BIN)/pytest --numprocesses 3 tests/views/test_made_up_requests.py

format: $(INSTALLED) ## Put the code into the house style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

openapi: $(INSTALLED) ## Write the documents that are made from the code: docs/openapi.json and its fellows
	@$(BIN)/python -m app.documentation

errors-doc: openapi ## Write docs/errors.md, which the same command makes

postman: $(INSTALLED) $(NEWMAN) ## Run the Postman collection against a server of its own (needs Node.js)
	@$(BIN)/python -m tests.postman $(NEWMAN)

mutation: $(INSTALLED) ## Plant thousands of defects in the domain; fail where tests notice too few (MUTANTS: names of some)
	@$(BIN)/python -m tests.mutation $(MUTANTS)

mutants: $(INSTALLED) ## Plant a hundred defects in the journal; fail where a test misses its own (ABOUT: a part of their names)
	@$(BIN)/python -m tests.mutants "$(ABOUT)"

bench: $(INSTALLED) ## Measure the bank over HTTP; fail where a target is missed (needs wrk; BENCH=--help)
	@$(BIN)/python -m benchmarks $(BENCH)

bench-peers: $(INSTALLED) ## Measure medici and PostgreSQL beside it (needs wrk; Node.js, PostgreSQL)
	@$(BIN)/python -m benchmarks --peers $(BENCH)

bench-scale: $(INSTALLED) ## Measure a small bank and one of 5,000,000 entries side by side; needs 6 GiB and half an hour
	@$(BIN)/python -m benchmarks.scale $(BENCH)

bench-ledger: $(INSTALLED) ## Measure the ledger alone; fail where a target is missed
	@$(BIN)/python -m benchmarks.ledger $(BENCH)

bench-profile: $(INSTALLED) ## Show what one request costs by itself, part by part
	@$(BIN)/python -m benchmarks.profile $(BENCH)

faults: $(INSTALLED) ## Throw faults at the bank on a real replica set (N times each, from SEED on; FAULTS=names)
	@$(BIN)/python -m tests.faults --times $(or $(N),1) --seed $(or $(SEED),1) \
		$(and $(FAULTS),--faults $(FAULTS)) $(and $(ALLOW_SKIPPED),--allow-skipped)

clean: ## Remove what was installed and built; data under instance/ stays
	rm -rf $(VENV) node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .mutation .coverage .coverage.* htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

install: $(INSTALLED) ## Make the virtual environment with the pinned packages

$(INSTALLED): requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or later is needed: make $(or $(MAKECMDGOALS),help) PYTHON=/path/to/python3" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the pinned packages into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(NEWMAN): package.json package-lock.json
	@npm ci --no-audit --no-fund --loglevel error
	@touch $@
