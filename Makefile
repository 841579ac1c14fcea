# Every target sets up what it needs; a second run installs nothing again.
PYTHON ?= python3
VENV   := .venv
BIN    := $(if $(filter Windows_NT,$(OS)),$(VENV)/Scripts,$(VENV)/bin)
PROMPT ?= a red ball drifts right across a green meadow

.DEFAULT_GOAL := help
.PHONY: help setup video serve test browser check bench types

help:  ## list the targets
	@grep -E '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

setup: $(VENV)/.runtime  ## make .venv and install Kinegraph

video: $(VENV)/.runtime  ## make one clip with the starter model: make video PROMPT="..."
	@$(BIN)/kinegraph run workflows/text_to_video.json --set prompt="$(PROMPT)" -o outputs/video.mp4

serve: $(VENV)/.runtime  ## start the server and open it in the browser
	$(BIN)/kinegraph serve

test: check  ## the checks, then the whole suite, the editor in a real Chromium too
	.ci/system-packages chromium:chromium ffprobe:ffmpeg curl:curl g++:g++
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not browser"
	$(BIN)/python -m pytest -m browser  # in a process of its own: Playwright's driver spins in a worker of xdist

browser: $(VENV)/.dev  ## only the editor's tests in a real Chromium
	.ci/system-packages chromium:chromium
	$(BIN)/python -m pytest -m browser

check: $(VENV)/.dev  ## lint, format, types, import contracts
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/pyright

bench: $(VENV)/.dev  ## measure; prints the tables of docs/benchmarks.md
	$(BIN)/python -m benchmarks

types: $(VENV)/.dev  ## write the published schemas anew
	$(BIN)/kinegraph schemas docs

# The editor is built by the install itself (hatch_build.py), so its sources are sources of the install.
WEB := hatch_build.py $(wildcard web/*.json web/*.html web/*.ts) $(shell find web/src web/public -type f 2>/dev/null)

$(VENV)/.runtime: pyproject.toml $(WEB)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	@touch $@
