# One command each. Every target makes what it needs; see README.md.
BIN := .venv/bin

.PHONY: setup demo test bench lint check coverage fuzz model clean

setup:
	@scripts/setup dev

demo:
	@scripts/setup runtime
	@$(BIN)/python demo/run.py

test: setup
	@scripts/provide
	@scripts/test $(TESTS)

# Fifteen minutes; QUICK=1 in three; BENCH="--parts throughput" or "--rows psk --runs 3" for a part (BENCH=--help).
bench:
	@scripts/setup bench
	@scripts/provide
	@$(BIN)/python bench/run.py $(if $(QUICK),--quick) $(BENCH)

lint: setup
	$(BIN)/ruff check src tests demo bench scripts
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test

coverage: setup
	@scripts/coverage

# As long as asked: make fuzz SECONDS=3600
fuzz: setup
	@for target in $(filter-out tests/fuzz/test_%,$(wildcard tests/fuzz/*.py)); do \
	  echo $$target; $(BIN)/python $$target --seconds $(or $(SECONDS),60) || exit 1; done

# The stateful model test: make model SEEDS=5000 HOSTS=3; one again, with all its logs: make model SEED=775 HOSTS=2
model: setup
	@$(BIN)/python tests/model/run.py $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),1000) --first $(or $(FIRST),0)) \
	  $(if $(HOSTS),--hosts $(HOSTS))

clean:
	rm -rf .venv build dist .coverage .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
