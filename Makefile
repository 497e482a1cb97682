# make sweep: everything from a fresh clone to a registered model; make test: all tests
PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: install sweep test check ui lock clean

install: $(VENV)/.installed

# the lock pins every version; torch's CPU or CUDA build is whichever the index offers under that version
$(VENV)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

sweep: install
	$(BIN)/slimtune sweep experiment=tone

# quick ones first: a fault shows early; two at a time, each on a thread or two
test: install
	$(BIN)/python -m pytest -m "not slow" -n 2
	$(BIN)/python -m pytest -m slow -n 2

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

ui: install
	$(BIN)/slimtune ui

# torch is pinned by hand: an unpinned one may bring gigabytes of another build
lock:
	rm -rf .lock-venv && $(PYTHON) -m venv .lock-venv
	.lock-venv/bin/python -m pip install --quiet torch==$$(sed -n 's/^torch==//p' requirements.lock) hatchling editables
	.lock-venv/bin/python -m pip install --quiet --no-build-isolation --editable ".[test,check]"
	echo "# exact versions of everything that pyproject.toml asks for, with its extras and the build backend; \`make lock\` makes it anew" > requirements.lock
	.lock-venv/bin/python -m pip freeze --exclude-editable | sed 's/+cpu$$//' >> requirements.lock
	rm -rf .lock-venv

clean:
	rm -rf outputs mlruns/mlflow.db mlruns/artifacts
