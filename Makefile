# serve: the server   test: the tests   lint: style, types, layout   bench: how fast
# format: lay out code and Turtle       data: what is derived         clean: start anew
# words: gather the words of the pages into the catalogues of server/peninsula/translations
.DEFAULT_GOAL := help
.PHONY: help serve test lint bench format data words clean

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CODE := server tests bench
WEB := server/web
BUILT := server/peninsula/static/built/manifest.json

# The first Python that is new enough; PYTHON=... on the command line goes before all.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
CANDIDATES := $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11 python
FOUND = $(shell for p in $(CANDIDATES); do \
	  "$$p" -c '$(NEW_ENOUGH)' >/dev/null 2>&1 && { echo "$$p"; break; }; done)

help:
	@sed -n 's/^# //p' Makefile | head -3

# Once it stands, no network is needed until pyproject.toml changes.
$(READY): pyproject.toml
	@test -x $(BIN)/python || test -n "$(FOUND)" || { echo "Peninsula needs Python 3.11 or newer; found: \
	$$(python3 --version 2>&1 || true). Install one, or say make PYTHON=/path/to/python." >&2; exit 2; }
	@echo "Setting up $(VENV) (takes a minute; needs the network this once)"
	@$(BIN)/python -c '$(NEW_ENOUGH)' 2>/dev/null || "$(FOUND)" -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(READY) $(BUILT)

# What the pages are drawn with; a change of its sources needs the network only where the packages
# it uses have changed, too.
$(BUILT): $(READY) $(wildcard $(WEB)/*.* $(WEB)/src/*.ts $(WEB)/src/*/*.ts $(WEB)/src/*/*/*.ts $(WEB)/styles/*.css $(WEB)/styles/*/*.css)
	@$(BIN)/python $(WEB)/build_hook.py
	@touch $@

serve: $(BUILT)
	@$(BIN)/peninsula serve $(ARGS)

# A file's tests stay together, because they share servers; ARGS=-n0 runs all in one process. The
# hundreds of processes that they start take a third less time where they find compiled modules.
test: $(BUILT)
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(BUILT)
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/ruff format --check --quiet $(CODE) || { echo "run make format" >&2; exit 1; }
	@$(BIN)/mypy
	@$(BIN)/python $(WEB)/build_hook.py --check
	@$(BIN)/peninsula format --check
	@$(BIN)/peninsula derive --check

# The peers to compare with are installed at the first bench only.
$(VENV)/.bench: $(BUILT)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,bench]'
	@touch $@

bench: $(VENV)/.bench
	@$(BIN)/python -m bench $(ARGS)

format: $(READY)
	@$(BIN)/ruff check --fix --quiet $(CODE) || true
	@$(BIN)/ruff format --quiet $(CODE)
	@$(BIN)/peninsula format

data: $(READY)
	@$(BIN)/peninsula derive
	@$(BIN)/peninsula format
	@$(BIN)/peninsula check

WORDS := server/peninsula/translations
words: $(READY)
	@$(BIN)/pybabel -q extract -F pyproject.toml --no-location --sort-output --omit-header \
	  -o $(WORDS)/words.pot server/peninsula/templates
	@for language in ko ru; do $(BIN)/pybabel -q update -N --no-wrap --ignore-obsolete --omit-header \
	  -l $$language -i $(WORDS)/words.pot -o $(WORDS)/$$language.po; done; rm $(WORDS)/words.pot

clean:
	rm -rf $(VENV) .peninsula dist server/peninsula/static/built $(WEB)/node_modules
