# make sweep: everything from a fresh clone to a registered model; make test: all tests
# the Python that was tested first, then later ones; PYTHON=... wins, uv brings one where there is none
PYTHON ?= $(shell tools/find_python)
VENV ?= .venv
BIN := $(VENV)/bin

# a process that may not keep what it has compiled compiles thousands of modules: 22 s to start what takes 7
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install sweep test test-portable test-gpu check docs reference ui lock clean

install: $(VENV)/.installed

help:
	@echo "make sweep          installs, then a whole sweep: slimtune sweep experiment=tone"
	@echo "make install        $(VENV) from the lock, with slimtune editable in it"
	@echo "make test           all tests"
	@echo "make test-portable  numeric tests as without AVX512, on one thread, in another order"
	@echo "make test-gpu       what computes otherwise on a GPU"
	@echo "make check          ruff, mypy, import-linter"
	@echo "make docs           the documentation as a site"
	@echo "make reference      docs/reference anew, after a change of keys or commands"
	@echo "make ui             the MLflow UI"
	@echo "make lock           the lock anew"
	@echo "make clean          removes outputs/ and the MLflow store"

# the lock pins every version; torch's CPU or CUDA build is whichever the index offers under that version, and what only
# the CUDA build needs is not in the lock: torch brings it (PIP_EXTRA_INDEX_URL=... chooses the build: README.md)
# of twenty thousand modules one in five is ever imported: Python compiles those then, in a fifth of the minute;
# and what every package asks for is looked at once, at the end, which takes a second instead of fifteen
$(VENV)/.installed: requirements.lock pyproject.toml
	tools/make_venv "$(PYTHON)" $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --constraint requirements.lock torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m pip check
	touch $@

sweep: install
	$(BIN)/slimtune sweep experiment=tone

test: install
	$(BIN)/python -m pytest $(IN_PARALLEL)

# one process more than two cores: many a test waits for processes that it started; files stay whole, since their
# tests share what they have made, and begin in the order of tests/conftest.py
WORKERS ?= 3
IN_PARALLEL := -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# what trains, as a processor without AVX512 computes it, on one thread and in an order of its own
SEED ?= 1
PORTABLE ?= tests/training/engine tests/training/checkpoints tests/training/evaluation
test-portable: export ATEN_CPU_CAPABILITY = avx2
test-portable: export ONEDNN_MAX_CPU_ISA = AVX2
test-portable: export MKL_ENABLE_INSTRUCTIONS = AVX2
test-portable: export OMP_NUM_THREADS = 1
test-portable: install
	$(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile --random-order --random-order-bucket=module \
	  --random-order-seed=$(SEED) $(PORTABLE)

# what computes otherwise on a GPU, on the one that torch finds; elsewhere it says that there is none
GPU ?= tests/training/engine tests/training/methods tests/training/checkpoints tests/training/tasks/test_packed.py \
  tests/training/tasks/test_static_steps.py tests/training/tasks/test_static_evaluations.py
test-gpu: install
	$(BIN)/python -c "import sys, torch; torch.cuda.is_available() or sys.exit('make test-gpu: torch sees no CUDA device')"
	$(BIN)/python -m pytest $(GPU)

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# the documentation as a site in .site/html, with tools of its own; a warning, as of a broken link, is an error
docs: .docs-venv/.installed
	tools/site_source
	NO_MKDOCS_2_WARNING=1 .docs-venv/bin/python -m mkdocs build --strict --quiet

.docs-venv/.installed: requirements-docs.lock
	tools/make_venv "$(PYTHON)" .docs-venv
	.docs-venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-docs.lock
	touch $@

# docs/reference/, from the types of the config and the parsers of the commands; a test says when it is behind
reference: install
	$(BIN)/python -m tools.make_reference

ui: install
	$(BIN)/slimtune ui

# torch is pinned by hand: an unpinned one may bring gigabytes of another build
lock:
	rm -rf .lock-venv && tools/make_venv "$(PYTHON)" .lock-venv
	.lock-venv/bin/python -m pip install --quiet torch==$$(sed -n 's/^torch==//p' requirements.lock) hatchling editables
	.lock-venv/bin/python -m pip install --quiet --no-build-isolation --editable ".[test,check]"
	echo "# exact versions of everything that pyproject.toml asks for, with its extras and the build backend; \`make lock\` makes it anew" > requirements.lock
	.lock-venv/bin/python -m pip freeze --exclude-editable | sed 's/+cpu$$//' >> requirements.lock
	rm -rf .lock-venv

clean:
	rm -rf outputs mlruns/mlflow.db mlruns/artifacts
