# Everything a fresh clone needs; `make help` lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Settings that set-up found necessary on this machine.
RUN := . $(VENV)/setup.env &&
# OpenMP threads that wait spin for a while, which costs more than it saves on few cores, and
# slows training several times down when anything else runs beside it. A short spin is best.
export GOMP_SPINCOUNT ?= 20000
# Tests run side by side, one thread each: more threads than cores wait for each other. The tests of
# a file stay together, because they share what takes long to make. A worker needs 3 GB.
TESTS := $(RUN) OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n logical --maxprocesses 8 --dist loadfile
# compiled: build mmcv's ops; empty: only where there is a CUDA GPU and nvcc.
export OPS ?=
SOURCES := mmvisx configs tools tests demo setup.py

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow lint unit dist clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

setup: ## make .venv: tested versions, this package editable; OPS=compiled builds mmcv's ops
	@command -v $(PYTHON) > /dev/null || { \
		echo "error: no program '$(PYTHON)': install Python 3.10 to 3.12, or name one: make PYTHON=/path/to/python3 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
		echo "error: $$($(PYTHON) --version 2>&1) is too old, 3.10 is needed: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) tools/setup_env.py

demo: setup ## train and test a small DetectoRS on rendered images: outputs/demo
	$(RUN) $(BIN)/python demo/run_demo.py --out-dir outputs/demo

test: lint unit ## lint, types, docstring coverage, tests without slow and gpu

unit: setup ## the tests without slow and gpu
	$(TESTS) -m "not slow and not gpu"

test-slow: setup ## the long tests
	$(TESTS) -m slow

lint: setup ## ruff, floors of the imports, mypy, interrogate
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy
	$(BIN)/interrogate -v mmvisx tools demo

dist: setup ## sdist and wheel of the last commit in dist/, compared and checked
	$(RUN) $(BIN)/python tools/make_dist.py

clean: ## remove caches and build leftovers; keeps .venv and outputs
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)/*' -type d -prune -exec rm -rf {} +
