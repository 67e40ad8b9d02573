# `make help` lists what there is. Every target sets up .venv by itself, once, and again only when pyproject.toml changes.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-fast lab site slides release claims calibrate mutate attacks lint clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */\1\t/' | awk -F'\t' '{printf "  make %-10s %s\n", $$1, $$2}'

$(READY): pyproject.toml
	@echo "Setting up $(VENV) (a few minutes the first time: PyTorch is large) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "This course needs Python 3.10 or newer; found " + sys.version.split()[0] + ". Try: make PYTHON=python3.11 ...")'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[instructor,test,lint]'
	@touch $@

setup: $(READY)  ## create .venv and install everything into it

demo: $(READY)  ## release, grade and return a small sample class, and print its gradebook
	@$(BIN)/course demo

test: $(READY)  ## run the whole test suite
	$(BIN)/python -m pytest -n auto --dist worksteal --durations 30

test-fast: $(READY)  ## the inner loop: no notebooks, no nbgrader, no browser
	$(BIN)/python -m pytest -n auto --dist worksteal -m 'not slow'

lab: $(READY)  ## open JupyterLab at the lectures
	$(BIN)/jupyter lab lectures

$(READY)-site: $(READY)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[site]'
	@touch $@

site: $(READY)-site  ## build the website: every lecture executed, assignments, the library's reference; it works offline
	OMP_NUM_THREADS=1 $(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going -c docs . build/site
	@echo "Open build/site/index.html"

slides: $(READY)-site  ## make slides of the lectures with their figures; they work offline (LECTURES="03 10" for some)
	$(BIN)/python -m tools.slides $(LECTURES)
	@echo "Open build/slides/*.html; S opens the speaker's notes, F fills the screen"

release: $(READY)  ## make assignments/ again from solutions/, with nbgrader
	$(BIN)/course release

claims: $(READY)  ## list every claim of the notebooks with its check, and run the checks (SEEDS=5 for five seeds)
	OMP_NUM_THREADS=1 $(BIN)/python -m tools.claims --seeds $(or $(SEEDS),1) $(if $(NETWORKS),--networks $(NETWORKS))

calibrate: $(READY)  ## try every check on its misconceptions and right variants over 1,000 seeds; write docs/CALIBRATION.md
	$(BIN)/python -m tools.calibrate

mutate: $(READY)  ## change every answer a little, and see that its check fails; write docs/MUTATION.md
	$(BIN)/python -m tools.mutate

attacks: $(READY)  ## grade hostile submissions for real; write docs/ATTACKS.md
	$(BIN)/python -m tests.attacks

lint: $(READY)  ## check formatting, style and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

clean:  ## remove what can be made again (.venv, caches, the demo's class); never class/
	rm -rf $(VENV) demo .pytest_cache .mypy_cache .ruff_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
