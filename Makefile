# `make demo` and `make test` do all set-up on a machine with Python 3.11 or newer, make and a C++
# compiler. Everything they install goes into .venv.

PYTHON ?= python3
# More for pip's install, such as another index: make demo PIP_ARGS='--extra-index-url ...'
PIP_ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# Where `make shim` builds, and more for its cmake, such as -DSTEMBRIDGE_SANITIZE=thread.
SHIM_BUILD ?= build/shim
SHIM_ARGS ?=

.PHONY: demo test check lint shim shim-build clean

demo: $(READY)
	$(BIN)/python -m tests.tiny.synth demo
	$(BIN)/stembridge bounce demo/demo-song.wav -o demo/stems -m tests/tiny/weights --overwrite -v
	@echo "The stems are in demo/stems/demo-song; the true ones, to compare, in demo/true-stems."

test: $(READY) shim
	sh shim/packages.sh hosts || echo "Tests that need them are skipped." >&2
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not alone"
	$(BIN)/python -m pytest -m alone

check: $(READY)
	$(BIN)/python -m pytest -m "not slow"

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

shim: shim-build
	ctest --test-dir $(SHIM_BUILD) --output-on-failure --timeout 600

shim-build:
	sh shim/packages.sh
	cmake -S shim -B $(SHIM_BUILD) -G Ninja $(SHIM_ARGS)
	cmake --build $(SHIM_BUILD)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) -c constraints.txt -e '.[dev]'
	touch $(READY)

clean:
	rm -rf $(VENV) demo build *.egg-info
