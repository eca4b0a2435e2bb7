# Two commands for a fresh machine with Python >= 3.11 and make: `make demo` and `make test`.
# Both set up .venv once and do not install again until pyproject.toml or constraints.txt change.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
DOCS_INSTALLED := $(VENV)/.docs-installed

.PHONY: demo test test-in-process test-own-processes lint format types floors docs check audit clean

demo: $(INSTALLED)  ## train DIIQN on MinAtar Breakout with the shipped expert, a few minutes on a CPU
	$(RUN) -m diiqn_lightning fit --config configs/diiqn.yaml --config configs/trainer/fast.yaml --max_frames 100000 \
	  --data.frames_per_epoch 10000 $(ARGS)

test: $(INSTALLED)  ## run the tests, in two halves at a time: one waits a lot for the processes that it starts
	$(MAKE) --no-print-directory -j2 test-in-process test-own-processes

test-in-process: $(INSTALLED)
	$(RUN) -m pytest -m "not own_processes" $(ARGS)

test-own-processes: $(INSTALLED)
	@$(RUN) -m pytest -m own_processes $(ARGS) > $(VENV)/own_processes.log 2>&1; \
	  code=$$?; cat $(VENV)/own_processes.log; exit $$code

lint: $(INSTALLED)
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

format: $(INSTALLED)
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

types: $(INSTALLED)
	$(RUN) -m mypy

floors: $(INSTALLED)
	$(VENV)/bin/lint-imports

docs: $(DOCS_INSTALLED)  ## the documentation's site, in site/
	NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --strict

check: lint floors types docs  ## everything that CI checks besides the tests

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: $(PYTHON) is older than 3.11: give another with \`make PYTHON=python3.12 …\`." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	@touch $@

$(DOCS_INSTALLED): $(INSTALLED)
	$(RUN) -m pip install --quiet --constraint constraints.txt --editable ".[docs]"
	@touch $@

audit:  ## look the pinned packages up among known vulnerabilities, at PyPI
	$(PYTHON) -m venv $(VENV)-audit
	$(VENV)-audit/bin/python -m pip install --quiet pip-audit
	$(VENV)-audit/bin/pip-audit --requirement constraints.txt --no-deps --disable-pip

clean:
	rm -rf $(VENV) $(VENV)-audit site .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
