# The two commands that do everything on a fresh machine: make run, make test.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: run test install notebooks previews docs soak bench studies public lint types check lock clean

run: $(STAMP)  ## Run the main job on the bundled table.
	$(BIN)/kedro run

test: $(STAMP)  ## Run the tests.
	$(BIN)/pytest --numprocesses=auto --dist=loadfile

install: $(STAMP)  ## Create .venv from the lock file, and nothing else.

docs: $(STAMP)  ## Build the documentation into site/; a warning is an error.
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

notebooks: $(STAMP)  ## Execute the notebooks on what the main job and the benchmark have left under the environment ci.
	KEDRO_ENV=ci $(BIN)/pytest --nbmake notebooks

previews: $(STAMP)  ## Execute the notebooks in the same way, and write docs/notebooks/ for readers without JupyterLab.
	KEDRO_ENV=ci $(BIN)/jupyter nbconvert --log-level=WARN --execute --to markdown --output-dir docs/notebooks notebooks/*.ipynb
	sed -i.all '/<style scoped>/,/<\/style>/d' docs/notebooks/*.md  # a code forge would show it as text
	rm docs/notebooks/*.all

soak: $(STAMP)  ## Run the long tests (an hour or more) and write what they saw to docs/soak.md.
	HYPOTHESIS_PROFILE=soak $(BIN)/pytest tests/series/test_leakage.py tests/pipelines/test_forecasting.py tests/soak

bench: $(STAMP)  ## Measure what a user waits for (half an hour on an idle machine) and write docs/bench.md.
	$(BIN)/python -m tests.benchmarks.bench

studies: $(STAMP)  ## Measure again what docs/explanation/accuracy.md and splines.md report.
	$(BIN)/python -m tests.benchmarks.accuracy
	$(BIN)/python -m tests.benchmarks.splines

public: $(STAMP)  ## Measure public benchmarks (hours) and write docs/explanation/public.md: make public TABLES=<folder>.
	$(BIN)/python -m tests.benchmarks.public $(TABLES)

check: test lint types  ## Everything that a change has to pass.

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(STAMP)
	$(BIN)/mypy

lock:  ## Write the lock file anew; needs uv.
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet --output-file requirements.lock

# The lock file is complete, so nothing is resolved and no later release can change what is installed. One package has to
# be built: with the locked setuptools, which is therefore installed first.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; ok = (3, 11) <= sys.version_info < (3, 14); found = sys.version.split()[0]; \
		sys.exit(None if ok else f"Error: Python 3.11 to 3.13 is needed, $(PYTHON) is {found}; \
	name another one: make PYTHON=python3.12 $(MAKECMDGOALS)")'
	@echo "Installing $$(grep -c == requirements.lock) packages into .venv: 650 MB to download, 2.8 GB on disk, two to five minutes"
	$(PYTHON) -m venv .venv
	sed -n '/^setuptools==/,/[^\\]$$/p' requirements.lock > .venv/setuptools.lock
	$(BIN)/pip install --quiet --no-deps --require-hashes --requirement .venv/setuptools.lock
	$(BIN)/pip install --no-deps --no-build-isolation --require-hashes --requirement requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/pip check
	touch $@

clean:
	rm -rf .venv build site
