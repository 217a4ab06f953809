# Every command of the project; `make help` lists them.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
# Tools that call tools find them here.
export PATH := $(CURDIR)/$(BIN):$(PATH)
ROOMS := taglake api ingestor insights lake registry signatures simnet
KERNELS := $(wildcard */*.pyx */*/*.pyx)
DEMO ?=

.PHONY: help install demo test test-networks faults fuzz check bench format clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

# Reinstalled when the project or a kernel changes; what users run needs no test tools.
$(VENV)/.installed: pyproject.toml $(KERNELS) $(wildcard */kernel/*.pxd */kernel/*.h */*.h)
	@command -v $(PYTHON) >/dev/null || { echo "taglake needs $(PYTHON): apt-get install python3.11 python3.11-venv, or make PYTHON=python3.12"; exit 1; }
	@echo "installing taglake into $(VENV) and building its kernels"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@$(BIN)/python -m taglake kernels || echo "no C compiler (apt-get install gcc python3.11-dev): the slower Python kernels serve"
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "installing the tools that tests and checks need"
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

# Only fuzzing needs it, and it has no wheel for every Python.
$(VENV)/.installed-fuzz: $(VENV)/.installed-dev
	@$(BIN)/pip install --quiet --disable-pip-version-check 'atheris>=3'
	@touch $@

install: $(VENV)/.installed ## make .venv, install taglake, build the kernels

demo: install ## play a four-week campaign and serve its report on http://localhost:8000
	@$(BIN)/taglake demo $(DEMO)

test: $(VENV)/.installed-dev ## run every test, on the real Elasticsearch and PostgreSQL where they can be had
	@$(BIN)/pytest --ignore=tests/networks

faults: export TAGLAKE_FAULTS = long
faults: export TAGLAKE_FAULT_FIGURES = $(CURDIR)/build/faults.jsonl
faults: $(VENV)/.installed-fuzz ## let everything fail for an hour and a half; writes docs/reliability.md
	@mkdir -p build && rm -f $(TAGLAKE_FAULT_FIGURES)
	@$(BIN)/pytest tests/faults --timeout 3600; status=$$?; \
	PYTHONPATH=tests $(BIN)/python -m faults.report $(TAGLAKE_FAULT_FIGURES) && exit $$status

fuzz: $(VENV)/.installed-fuzz ## give every parser and kernel a minute of hostile answers
	@PYTHONPATH=tests $(BIN)/python -m fuzz.run

test-networks: $(VENV)/.installed-dev ## run against real networks' own servers, started on this machine
	@$(BIN)/pytest tests/networks

check: $(VENV)/.installed-dev ## format, lint, types, layers, dead code, docs
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/cython-lint $(KERNELS) $(wildcard */kernel/*.pxd)
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/vulture
	@$(BIN)/deptry .
	@$(BIN)/interrogate --quiet $(ROOMS)
	@$(BIN)/codespell $(ROOMS) tests docs benchmarks README.md ARCHITECTURE.md CHANGELOG.md

bench: $(VENV)/.installed-dev ## measure every promise of speed; each script also runs alone
	@for script in benchmarks/[a-z]*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

format: $(VENV)/.installed-dev ## put the code into its shape
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix-only --quiet .

clean: ## remove what was built here
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find $(ROOMS) -name '*.so' -o -name '_*_c.c' -o -path '*/kernel/*.c' | xargs rm -f
