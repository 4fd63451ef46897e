# Everything is made inside the checkout: the virtual environment in .venv, which only re-installs when setup.py changes.
PYTHON ?= python3
export PIP_NO_CACHE_DIR := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed

.PHONY: demo test test-all lint docs bench install clean

demo: $(INSTALLED)
	$(BIN)/python -m tests.demo

test: $(INSTALLED)
	$(BIN)/python -m pytest -n auto

# Each version of Python gets a virtual environment of its own, .venv-3.10 and so on.
test-all:
	$(PYTHON) -m tests.all_pythons

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(INSTALLED)
	$(BIN)/sphinx-build -W -q -b html docs docs/_build/html
	@echo "The documentation is in docs/_build/html/index.html"

bench: $(INSTALLED)
	$(BIN)/python -m tests.benchmarks.fleet
	$(BIN)/python -m tests.benchmarks.replay --intervals 300

install:
	$(PYTHON) -m pip install .

clean:
	rm -rf $(VENV) $(VENV)-3.* build dist *.egg-info docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage

$(INSTALLED): setup.py pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[test,docs]'
	touch $@
