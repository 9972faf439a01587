# Everything a developer types. Each target works from a bare clone with only Python 3.11+, make and a package index.
#
#   make demo       a sample site, every door before it, real crawlers' requests, the verdict
#   make test       the whole ordinary suite            make test-slow   faults, memory, long runs
#   make faults         kills, a full disk, a failing system call, a clock that steps (needs root: it mounts)
#   make test-browser   what a browser opens, in Debian's chromium
#   make tlog-verifier   a public verifier of transparency logs, in an environment of its own, reads what we write
#   make check      format, lint, types, contracts, docstrings, generated files
#   make bench      the figures, as ratios side by side

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
RUN := $(VENV)/.ready
DEV := $(VENV)/.ready-dev

# The newest Python that aics-tlog takes; it also wants a newer cryptography than mitmproxy allows.
VERIFIER_PYTHON ?= $(firstword $(shell command -v python3.14 python3.13 python3.12) \
	$(lastword $(sort $(wildcard $(HOME)/.pyenv/versions/3.1[2-9].*/bin/python3))))

.PHONY: demo test test-slow faults test-browser tlog-verifier check format bench lock generated pictures clean

demo: $(RUN)
	$(BIN)/optout demo

test: $(DEV)
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not slow and not tlog and not browser and not fault"

test-slow: $(DEV)
	$(BIN)/python -m pytest -m slow

faults: $(DEV)
	$(BIN)/python -m pytest -n 2 --dist worksteal -m fault

test-browser: $(DEV)
	$(BIN)/python -m pytest -m browser

tlog-verifier: $(DEV) .venv-tlog/.ready
	TLOG_VERIFIER=.venv-tlog/bin/aics-tlog $(BIN)/python -m pytest -m tlog

.venv-tlog/.ready: tests/tlog-verifier.lock
	@test -n "$(VERIFIER_PYTHON)" || { echo "aics-tlog needs Python 3.12 or later: name one as VERIFIER_PYTHON"; exit 1; }
	$(VERIFIER_PYTHON) -m venv .venv-tlog
	.venv-tlog/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $<
	touch $@

check: $(DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/interrogate --quiet src/optout addons
	$(BIN)/python -m pytest -q tests/test_house.py tests/test_docs.py

format: $(DEV)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(DEV)
	for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

# Pages and data that are made from the code: a test fails while one is not current.
generated: $(DEV)
	$(BIN)/python -m optout.crawlers.compile
	$(BIN)/python docs/generate_policy_pages.py
	$(BIN)/python docs/generate_commands_page.py
	$(BIN)/python docs/generate_lint_pages.py
	$(BIN)/python docs/generate_catalogs.py

# Pictures for the docs; Debian's chromium draws the page.
pictures: $(DEV)
	$(BIN)/python docs/generate_pictures.py

# The lock files: names, versions and hashes, no index address. Needs uv.
lock:
	uv pip compile --universal --generate-hashes --python-version 3.11 --no-header --no-annotate \
		requirements.in -o requirements.lock
	uv pip compile --universal --generate-hashes --python-version 3.11 --no-header --no-annotate \
		requirements-dev.in -o requirements-dev.lock
	uv pip compile --universal --generate-hashes --python-version 3.14 --no-header --no-annotate \
		--extra serve --extra evidence --extra dns --extra review deploy/requirements.in pyproject.toml -o deploy/requirements.lock
	uv pip compile --universal --generate-hashes --python-version 3.14 --no-header --no-annotate \
		deploy/requirements-build.in -o deploy/requirements-build.lock
	uv pip compile --universal --generate-hashes --python-version 3.12 --no-header --no-annotate \
		tests/tlog-verifier.in -o tests/tlog-verifier.lock

$(RUN): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP) --no-compile --require-hashes --requirement requirements.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	touch $@

$(DEV): requirements-dev.lock $(RUN)
	$(PIP) --no-compile --require-hashes --requirement requirements-dev.lock
	touch $@

clean:
	rm -rf $(VENV) .venv-tlog .pytest_cache .mypy_cache .ruff_cache .hypothesis dist
