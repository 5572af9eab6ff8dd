# Everything runs from .venv, which the first target that needs it makes.
# Another interpreter for it: make PYTHON3=python3.12 test

PYTHON3 = python3
PYTHON = .venv/bin/python
READY = .venv/ready.stamp
PYTEST_PROCESSES = 2

.PHONY: help demo test soak record check docs format clean distclean

help:
	@echo 'make demo       train, translate and score on the built-in toy corpus'
	@echo 'make test       run every test, in two processes'
	@echo 'make soak       kill a training 24 times; it must end bit for bit the same'
	@echo 'make record     minutes until Multi30k is translated at a BLEU of 37.0'
	@echo 'make check      ruff and mypy: style, formatting, types'
	@echo 'make format     put the code into the one format'
	@echo 'make docs       the documentation as a site, in site/'
	@echo 'make clean      remove what running leaves behind, but not .venv'
	@echo 'make distclean  remove .venv too'

demo: $(READY)
	$(PYTHON) -m t2t_repro.bin.t2t_demo

# Two processes of up to 5 GB; more of them: make PYTEST_PROCESSES=8 test
test: $(READY)
	$(PYTHON) -m pytest -n $(PYTEST_PROCESSES) --no-loadscope-reorder

# Other moments for the kills: make T2T_SOAK_SEED=2 soak
soak: $(READY)
	T2T_SOAK_KILLS=24 $(PYTHON) -m pytest tests/train/test_resume.py

# Multi30k's files by hand: make MULTI30K=FOLDER record
MULTI30K = multi30k
record: $(READY)
	$(PYTHON) -m benchmarks.record --tmp_dir=$(MULTI30K) --output_dir=record_run

check: $(READY)
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy

docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build --strict

format: $(READY)
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

# The stamp comes last: a set-up that was interrupted is done again.
$(READY): setup.py pyproject.toml
	@$(PYTHON3) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || \
	  { echo 't2t_repro needs Python 3.11, 3.12 or 3.13, and $(PYTHON3) is not one: give one with make PYTHON3=...' >&2; exit 1; }
	@echo 'Setting up .venv with TensorFlow and the tools: a download of about 1 GB, 2 to 10 minutes, once.'
	@$(PYTHON3) -m venv .venv
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

clean:
	rm -rf build dist site *.egg-info demo_run record_run
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find t2t_repro problems hparams benchmarks docs tests -name __pycache__ -prune -exec rm -rf {} +

distclean: clean
	rm -rf .venv
