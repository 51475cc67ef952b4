# The two commands of a newcomer are `make demo` and `make test`; both set up what they need.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-lab test-server faults bench scoreboard setup lint clean

demo: .venv/.installed
	$(BIN)/cairn demo

test: .venv/.installed-dev
	$(BIN)/python -m pytest

# A lab's day with a real Prefect server, workers and a browser: part of `make test-server`, and of CI.
test-lab: .venv/.installed-dev
	$(BIN)/python -m pytest tests/server/test_end_to_end.py tests/server/test_ui.py -m slow -o timeout_func_only=true

# Real Prefect servers, workers, a browser and PostgreSQL (`bash .ci/programs` installs the last two where it can); what
# is not installed is skipped and said.
test-server: .venv/.installed-dev
	$(BIN)/python -m pytest tests/server tests/flows -m slow -o timeout_func_only=true

# Kills, fills and stops things while a study runs; see the table in deployments/README.md.
faults: .venv/.installed-dev
	$(BIN)/python -m pytest tests/faults -m slow

# Takes about a quarter of an hour on two cores and writes tests/benchmarks/RESULTS.md.
bench: .venv/.installed-dev
	$(BIN)/python -m tests.benchmarks

# Ranks genes in studies with known truth, takes minutes and writes tests/benchmarks/SCOREBOARD.md.
scoreboard: .venv/.installed-dev
	$(BIN)/python -m tests.benchmarks.scoreboard

setup: .venv/.installed-dev

lint: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Cairn needs Python 3.11 or newer; set PYTHON=python3.11, for example")'
	$(PYTHON) -m venv .venv

.venv/.installed: requirements.lock pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --requirement requirements.lock
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
	touch $@

.venv/.installed-dev: requirements-dev.lock .venv/.installed
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --requirement requirements-dev.lock
	touch $@

clean:
	rm -rf .venv .prefect demo runs

# Resolve the newest allowed versions anew; the CPU build of torch has a suffix that other platforms lack.
.PHONY: lock
lock:
	rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install --quiet . hatchling editables
	( echo '# The full tree, made by `make lock`. pip adds what torch pins for the platform (CUDA).'; \
	  .venv-lock/bin/pip freeze --all | grep -v -e '^pip==' -e '^cairn-omics' | sed 's/+cpu$$//' ) > requirements.lock
	.venv-lock/bin/pip install --quiet --constraint requirements.lock '.[dev,dask,docker,kubernetes,ray,s3]'
	( echo '# What tests, lint and the extras need on top of requirements.lock, made by `make lock`.'; \
	  .venv-lock/bin/pip freeze --all | grep -v -e '^pip==' -e '^cairn-omics' | sed 's/+cpu$$//' \
	  | grep -v -x -F -f requirements.lock ) > requirements-dev.lock
	rm -rf .venv-lock
