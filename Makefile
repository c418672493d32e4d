# One command each: install, run, test, lint; prove (long runs), bench (the figures).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# A test run starts thousands of commands: what they load is compiled once, whatever the environment says.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install run test lint lint-infra prove bench vectors openapi clean

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Carnet needs Python 3.11 or newer: make PYTHON=python3.11 …")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(STAMP)

run: install  ## the demo: server on SQLite, two phones of one synthetic person; stays in the foreground
	$(BIN)/python -m infra.demo

test: install  ## everything that fits in ten minutes on two cores
	$(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

lint-infra: install  ## what an operator runs: image, compose file, proxy, unit, rules, dashboard
	$(BIN)/python -m pytest tests/infra

prove: install  ## long runs: thousands of random worlds, servers killed for minutes
	$(BIN)/python -m tests.simulation.worlds run 300 & $(BIN)/python -m tests.simulation.worlds run 300 1000000 && wait $$!
	$(BIN)/python -m tests.simulation.shipped_family 600 & $(BIN)/python -m tests.simulation.shipped_family 600 1000000 && wait $$!
	$(BIN)/python -m tests.simulation.shipped_worlds 600
	$(BIN)/python -m tests.cli.prove_large_import
	$(BIN)/python -m tests.browser.prove_frames
	$(BIN)/python -m tests.simulation.shipped_bad_days 300
	$(BIN)/python -m tests.hostile_clients.mutate 20000
	$(BIN)/python -m tests.hostile_clients.fuzz 200
	$(BIN)/python -m tests.property.prove_laws
	$(BIN)/python -m tests.fhir.report_duplicates
	$(BIN)/python -m tests.property.report_questions 3
	$(BIN)/python -m tests.durability.kill_loop --database sqlite --seconds 240
	$(BIN)/python -m tests.durability.kill_loop --database postgres --seconds 240
	CARNET_KILL_PLACES=all $(BIN)/python -m pytest -n 2 $(wildcard tests/faults/test_*kills.py)
	CARNET_BENCH=all $(BIN)/python -m pytest tests/bench
	CARNET_IMAGE_EXTRAS='server postgres firebase' $(BIN)/python -m pytest tests/infra/test_image.py
	$(BIN)/python -m tests.mutations.run

bench: install  ## the figures beside the best: a table, bench/figures.json, bench/growth.svg
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	$(BIN)/python -m infra.bench

vectors: install  ## writes the vectors anew; look at the difference before committing it
	$(BIN)/python -m tests.vectors.generate

openapi: install
	$(BIN)/python -m tests.api.write_openapi

clean:
	rm -rf $(VENV) demo
