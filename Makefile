# The commands of this project. `make demo` and `make test` set up what they need.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
OUT ?= demo-out
WORKERS ?= 2

# Threads of numerical libraries multiply with Ray's workers; one each is fastest and repeatable.
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1

.PHONY: help demo test test-slow bench lint format types clean
help:
	@echo "make demo       install for tables (no torch), compare five strategies with random search"
	@echo "make test       install everything, run the tests (about 10 minutes); WORKERS=2 processes"
	@echo "make test-slow  the long tests"
	@echo "make bench      measure this project beside its peers, write perf/RESULTS.md"
	@echo "make lint       ruff and mypy"
	@echo "VENV=DIR        another virtual environment than .venv; OUT=DIR where the demo writes"

$(BIN)/pip:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)

# A stamp records what was installed: plain (tables only), full (live training and development),
# bench (our peers too).
$(VENV)/.plain: pyproject.toml | $(BIN)/pip
	$(BIN)/pip install --quiet --editable .
	touch $@
$(VENV)/.full: pyproject.toml | $(BIN)/pip
	$(BIN)/pip install --quiet --editable '.[live,dev]'
	touch $(VENV)/.plain $@
$(VENV)/.bench: $(VENV)/.full
	$(BIN)/pip install --quiet --editable '.[live,dev,bench]'
	touch $@

demo: $(VENV)/.plain
	$(BIN)/nas-harness run examples/demo.yaml --out $(OUT)
	$(BIN)/nas-harness report $(OUT)

# Tests that kill Ray's workers by their names want the machine for themselves.
KILLING = tests/tune/test_kills.py tests/tune/test_resume.py
test: $(VENV)/.full
	$(BIN)/pytest -n $(WORKERS) --dist loadfile $(addprefix --ignore=,$(KILLING))
	$(BIN)/pytest $(KILLING)

test-slow: $(VENV)/.full
	$(BIN)/pytest -m slow --timeout 1800

bench: $(VENV)/.bench
	$(BIN)/python -m perf --out perf/RESULTS.md

lint: $(VENV)/.full
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.full
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) demo-out build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
