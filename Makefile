# The verbs of the project. Each is short enough to be typed by hand.
.PHONY: setup demo test test-fast test-windows fuzz fuzz-planted check format bench screens pictures docs package package-test soak clean

BIN = .venv/bin
CODE = app viewer loading tests packaging

setup:
	sh packaging/setup.sh dev

demo:
	sh packaging/demo.sh

test:
	sh packaging/test.sh

test-fast: setup
	$(BIN)/python -m pytest -q tests/architecture
	$(BIN)/python -m pytest -q -n auto -m "not windows and not slow" tests

test-windows: setup
	sh packaging/linux/virtual_display.sh $(BIN)/python -m pytest -m windows tests

# Damage files and open them, for so many minutes; what is found lies in build/fuzz.
MINUTES = 10
fuzz: setup
	$(BIN)/python -m tests.fuzz --minutes $(MINUTES)

# Three faults are put into the program, each in a process of its own: the fuzzer must find them.
fuzz-planted: setup
	$(BIN)/python -m tests.fuzz --planted --minutes $(MINUTES)

check: setup
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy $(CODE)

format: setup
	$(BIN)/ruff check --fix --exit-zero $(CODE)
	$(BIN)/ruff format $(CODE)

bench: setup
	$(BIN)/python -m tests.bench

screens: setup
	$(BIN)/python -m tests.screens

# Those that the README and docs/ show, from states of the window.
pictures: setup
	$(BIN)/python -m tests.screens --documents

docs: setup
	$(BIN)/python packaging/write_trouble_page.py

soak: setup
	$(BIN)/python -m tests.soak

package:
	nice -n 10 sh packaging/package.sh

package-test:
	nice -n 10 sh packaging/test_package.sh

clean:
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis demo.png
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
