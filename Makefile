# make sweep: everything from a fresh clone to a registered model; make test: all tests
PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: install sweep test check ui clean

install: $(VENV)/.installed

# the lock pins every version; torch's CPU or CUDA build is whichever the index offers under that version
$(VENV)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

sweep: install
	$(BIN)/slimtune sweep experiment=tone

# quick ones first: a fault shows early
test: install
	$(BIN)/python -m pytest -m "not slow"
	$(BIN)/python -m pytest -m slow

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

ui: install
	$(BIN)/slimtune ui

clean:
	rm -rf outputs mlruns/mlflow.db mlruns/artifacts
