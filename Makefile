# Two commands: `make demo` sets everything up and runs the main job, `make test` sets everything up and tests it.
#
# TORCH=auto (default) takes PyTorch's CPU build unless an NVIDIA driver answers; TORCH=cpu and TORCH=cuda insist.
# PIPFLAGS goes to every pip call, VENV and PY choose the environment and the interpreter.
VENV ?= .venv
PY ?= python3
TORCH ?= auto
PIPFLAGS ?=
OUT ?= runs/demo
BIN := $(VENV)/bin
STATISTICS := benchmarks/interval_coverage.py benchmarks/false_alarms.py
NO_BENCHMARK := alterations recorded
BENCH ?= $(filter-out $(NO_BENCHMARK),$(basename $(notdir $(filter-out $(STATISTICS),$(wildcard benchmarks/*.py)))))

.PHONY: setup demo test test-slow lint docs bench statistics clean
.DEFAULT_GOAL := help

help:
	@echo "make demo       set up, then run the assay on simulated chests (4 to 8 minutes after set-up)"
	@echo "make test       set up, then lint, type-check and test"
	@echo "make test-slow  the longer tests"
	@echo "make docs       build the documentation into site/"
	@echo "make bench      run the benchmarks against peers (hours); BENCH='distances features' runs those"
	@echo "make statistics count how often intervals hold and rules fail without cause (hours)"

$(VENV)/.ok: pyproject.toml constraints.txt install.sh
	VENV="$(VENV)" PY="$(PY)" TORCH="$(TORCH)" PIPFLAGS="$(PIPFLAGS)" sh install.sh
	touch $@

setup: $(VENV)/.ok

demo: setup
	$(BIN)/radassay demo --out "$(OUT)"

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 -m "not slow"

test-slow: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadgroup -m slow

docs: setup
	$(BIN)/mkdocs build --strict

# torch-fidelity and pytorch-fid ask for torchvision, which their distances do not use and which has no build here.
bench: setup
	$(BIN)/python -m pip --disable-pip-version-check install -q $(PIPFLAGS) -c constraints.txt -e '.[bench]'
	$(BIN)/python -m pip --disable-pip-version-check install -q $(PIPFLAGS) --no-deps torch-fidelity pytorch-fid
	for script in $(BENCH); do $(BIN)/python benchmarks/$$script.py || exit 1; done

statistics: setup
	for script in $(STATISTICS); do $(BIN)/python $$script --processes 2 || exit 1; done

clean:
	rm -rf $(VENV) site
