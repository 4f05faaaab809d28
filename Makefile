# Everything sets itself up: a machine with Python 3.11 and make is enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# uv installs in a seventh of pip's CPU time. Where it cannot reach the packages (a package index that only pip has been told
# of), pip does.
UV := $(BIN)/uv
# The environment gets a pip of its own only where that of $(PYTHON) is missing or too old: to put one there takes longer than to
# make the environment and to install uv.
PIP := $$(test -e $(BIN)/pip3 && echo $(BIN)/python -m pip || echo $(PYTHON) -m pip --python $(BIN)/python) \
	--disable-pip-version-check --quiet
# On a terminal it shows how far it has come.
install = $(UV) pip install $(shell test -t 2 || echo --quiet) --python $(BIN)/python $(1) || $(PIP) install --no-compile $(1)
# Bytecode of what the server loads, and of nothing else, so that its first start is as quick as any other.
COMPILE := PYTHONDONTWRITEBYTECODE= $(BIN)/python -c \
	"import veldnet.cli.main, veldnet.cli.server, veldnet.cli.serving, veldnet.api.front.server, veldnet.assembly.vaults.process, \
	veldnet.gateways.basics_station.server, uvloop"

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c

.DEFAULT_GOAL := help
.PHONY: help run test check coverage lint fuzz simulation bench docs proto lock clean

help: ## Show what there is to make
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Veldnet needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1). Try: make PYTHON=python3.12"; exit 1; }
	@echo "setting up $(VENV)"
	@$(PYTHON) -m venv --without-pip $(VENV)
	@$(PYTHON) -c "import pip; exit([int(part) for part in pip.__version__.split('.')[:2]] < [22, 3])" 2> /dev/null || \
		$(BIN)/python -m ensurepip > /dev/null

$(UV): requirements/setup.lock | $(BIN)/python
	@$(PIP) install --require-hashes -r $<
	@touch $@

# A stamp for each lock file, so that the second time takes no time.
$(VENV)/.run: requirements/run.lock requirements/build.lock pyproject.toml | $(UV)
	@echo "installing what Veldnet needs to run"
	@$(call install,--require-hashes -r requirements/run.lock -r requirements/build.lock)
	@$(call install,--no-deps --no-build-isolation --editable .)
	@$(COMPILE)
	@touch $@

# On top of what Veldnet needs to run, so that whoever tests has seen that installed, too.
$(VENV)/.dev: requirements/dev.lock $(VENV)/.run
	@echo "installing what the tests need"
	@$(call install,--require-hashes -r requirements/dev.lock)
	@touch $@

run: $(VENV)/.run console ## Show Veldnet at work: virtual devices join and their readings arrive
	@$(BIN)/veldnet demo $(ARGS)

# Built where its source has changed, with Node from a wheel.
.PHONY: console console-lint
console: | $(VENV)/.run
	@$(BIN)/python hatch_build.py

NODE := PATH="$(CURDIR)/$(BIN):$$PATH"
console-lint: $(VENV)/.dev console
	@$(BIN)/python -m tests.docs_generator --openapi build/openapi.json
	@cd console; $(NODE) npm exec --offline -- openapi-typescript ../build/openapi.json -o src/api/schema.d.ts --check > /dev/null 2>&1 || \
		{ echo "console/src/api/schema.d.ts is not what the API's description says; run make docs"; exit 1; }
	@cd console; $(NODE) npm run --silent lint
	@cd console; $(NODE) npm run --silent test

# The walks of docs/ are run as a newcomer would type them.
.PHONY: tools
tools:
	@missing=""; for tool in curl openssl xxd zsh fish; do command -v $$tool > /dev/null || missing="$$missing $$tool"; done; \
	command -v softhsm2-util > /dev/null || missing="$$missing softhsm2"; \
	command -v nginx > /dev/null || missing="$$missing nginx-light"; \
	command -v caddy > /dev/null || missing="$$missing caddy"; \
	command -v promtool > /dev/null || missing="$$missing prometheus"; \
	command -v mosquitto > /dev/null || test -x /usr/sbin/mosquitto || missing="$$missing mosquitto"; \
	command -v chromium-headless-shell > /dev/null || missing="$$missing chromium-headless-shell"; \
	ls /usr/lib/postgresql/*/bin/initdb > /dev/null 2>&1 || command -v initdb > /dev/null || missing="$$missing postgresql"; \
	ls /usr/lib/*/faketime/libfaketime.so.1 > /dev/null 2>&1 || missing="$$missing faketime"; \
	if [ -n "$$missing" ]; then echo "installing$$missing"; \
		(apt-get update -qq && apt-get install -y -qq $$missing) > /dev/null || \
		{ echo "the tests need$$missing; install them and run make test again"; exit 1; }; fi

# Tests start many processes, so each module is compiled once, whatever the environment says.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest

# Tests wait half of their time, for browsers, sockets and other processes: two for each core keep the cores busy.
WORKERS ?= $(shell expr 2 \* $$(nproc))
SPREAD := -n $(WORKERS) --dist loadgroup --no-loadscope-reorder

# Side by side: checks that use one core and tests that wait share the cores well, and the console is built meanwhile.
test: $(VENV)/.dev tools ## All checks and tests
	@$(MAKE) --no-print-directory --jobs 3 lint console-lint tests

.PHONY: tests
tests: $(VENV)/.dev console
	@$(PYTEST) --workers $(WORKERS) $(ARGS)

.PHONY: test-postgresql
test-postgresql: $(VENV)/.dev console tools ## The tests of the API and of the store over PostgreSQL
	@TEST_STORE=postgresql $(PYTEST) -n 2 --dist loadgroup tests/api tests/contract/test_store.py tests/contract/test_postgresql.py $(ARGS)

.PHONY: test-cluster test-connections
test-connections: $(VENV)/.amqp10 tools connection-tools build/kafka/lib build/artemis/lib ## The tests of connections over RabbitMQ, Artemis, Kafka, InfluxDB and VictoriaMetrics, too
	@TEST_CONNECTIONS=1 $(BIN)/python -m pytest -q -n 0 tests/contract/test_connections*.py tests/api/test_private_addresses.py $(ARGS)

# The client of AMQP 1.0 is built from C, so it is not in the environment of other targets.
$(VENV)/.amqp10: requirements/amqp10.lock $(VENV)/.dev | $(UV)
	@$(call install,--require-hashes -r requirements/amqp10.lock)
	@touch $@

.PHONY: connection-tools
connection-tools:
	@missing=""; test -x /usr/sbin/rabbitmq-server || missing="$$missing rabbitmq-server"; \
	command -v influxd > /dev/null || missing="$$missing influxdb"; \
	command -v victoria-metrics > /dev/null || missing="$$missing victoria-metrics"; \
	command -v java > /dev/null || missing="$$missing default-jre-headless"; \
	command -v mvn > /dev/null || missing="$$missing maven"; \
	if [ -n "$$missing" ]; then echo "installing$$missing"; \
		(apt-get update -qq && apt-get install -y -qq $$missing) > /dev/null || \
		{ echo "the tests need$$missing; install them and run make test-connections again"; exit 1; }; fi

build/%/lib: tests/%.xml
	@rm -rf build/$*; mvn -q -B -f $< org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
		-DincludeScope=runtime -DoutputDirectory=$(CURDIR)/$@.part
	@mv $@.part $@; touch $@

.PHONY: test-node-red
test-node-red: $(VENV)/.dev tools build/node-red/.installed ## The flows of docs/node-red in a Node-RED from the npm registry
	@TEST_NODE_RED=1 $(BIN)/python -m pytest -q -n 0 tests/e2e/test_node_red.py $(ARGS)

build/node-red/.installed: tests/node_red/package-lock.json | $(VENV)/.dev
	@mkdir -p build/node-red; cp tests/node_red/package.json $< tests/node_red/.npmrc build/node-red/
	@cd build/node-red; $(NODE) npm ci --ignore-scripts --silent
	@touch $@

test-cluster: $(VENV)/.dev console tools ## Three nodes on PostgreSQL and NATS under load, and the simulation of nodes with many seeds
	@TEST_CLUSTER=1 $(PYTEST) tests/e2e/test_cluster.py tests/e2e/test_cluster_faults.py tests/e2e/test_cluster_failover.py tests/e2e/test_cluster_upgrade.py tests/e2e/test_cluster_pauses.py \
		tests/e2e/test_cluster_campaign.py tests/e2e/test_cluster_access.py $(ARGS)
	@VELDNET_SIMULATION_SEEDS=40 $(PYTEST) tests/simulation/test_cluster.py tests/simulation/test_groups_of_nodes.py \
		tests/simulation/test_campaigns_of_nodes.py $(ARGS)

check: $(VENV)/.dev ## Some tests, quickly: make check FILE=tests/unit/network/test_uplink.py
	@$(PYTEST) -q $(or $(FILE),$(error name a file, a folder or a test: make check FILE=tests/unit)) $(ARGS)

coverage: $(VENV)/.dev console tools ## Which lines the tests run: build/coverage/index.html
	@mkdir -p build/coverage
	@$(PYTEST) $(SPREAD) -q --cov --cov-report=term:skip-covered --cov-report=html:build/coverage $(ARGS)

lint: $(VENV)/.dev ## Formatting, lint, types and the table of rooms
	@$(BIN)/ruff format --check src tests hatch_build.py
	@$(BIN)/ruff check src tests hatch_build.py
	@$(BIN)/mypy
	@$(BIN)/lint-imports

fuzz: $(VENV)/.dev ## Longer runs of the fuzz and property tests, and of made-up requests to the API
	@HYPOTHESIS_PROFILE=long $(PYTEST) tests/fuzz tests/property tests/api/test_resources.py \
		tests/unit/inventory/test_map.py tests/e2e/test_schemathesis.py tests/e2e/test_front.py tests/e2e/test_decoders.py $(ARGS)
	@HYPOTHESIS_PROFILE=usual $(PYTEST) -m hypothesis tests/unit tests/monitoring $(ARGS)

simulation: $(VENV)/.dev tools ## Longer runs of the simulation: many seeds, days of thousands of devices, a week of failures
	@VELDNET_SIMULATION_SEEDS=40 $(PYTEST) tests/simulation tests/e2e/test_kill.py tests/e2e/test_clock_steps.py $(ARGS)
	@$(BIN)/veldnet simulate network --devices 5000 --hours 24 --base-stations 12 --radius 5 --period 3600
	@$(BIN)/veldnet simulate network --devices 500 --hours 24 --protocol mixed
	@$(BIN)/veldnet simulate week --devices 2000

bench: $(VENV)/.run ## The benchmarks of docs/benchmarks.md
	@$(BIN)/veldnet bench uplinks
	@$(BIN)/veldnet bench uplinks --base-stations 3
	@$(BIN)/veldnet bench uplinks --rate 2000 --sharing 100
	@$(BIN)/veldnet bench uplinks --deliver
	@$(BIN)/veldnet bench joins
	@$(BIN)/veldnet bench downlinks
	@$(BIN)/veldnet bench forged
	@$(BIN)/veldnet bench base-stations
	@$(BIN)/veldnet bench writes
	@$(BIN)/veldnet bench start
	@$(BIN)/veldnet bench monitoring
	@$(BIN)/veldnet bench api
	@$(BIN)/veldnet bench connections

docs: $(VENV)/.dev console ## Regenerate the generated pages
	@$(BIN)/python -m tests.docs_generator
	@$(BIN)/python -m tests.docs_generator --openapi build/openapi.json
	@cd console; $(NODE) npm exec --offline -- openapi-typescript ../build/openapi.json -o src/api/schema.d.ts > /dev/null 2>&1

.PHONY: texts
texts: $(VENV)/.dev ## Bring new texts of the server into the catalogues
	@$(BIN)/python -m tests.texts_catalogue

.PHONY: schema
schema: $(VENV)/.dev ## Write what all migrations make of an empty file, after a new one: src/veldnet/store/schema.sql
	@$(BIN)/python -m tests.schema_file

.PHONY: docs-site
docs-site: $(VENV)/.dev console build/mermaid.min.js ## The site of the documentation: build/site/index.html
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

build/mermaid.min.js: tests/diagrams.py | $(VENV)/.dev
	@$(BIN)/python -m tests.diagrams

.PHONY: screens
screens: $(VENV)/.dev console tools ## All screens and dialogs at each width, light and dark, and walks in Dutch, too; make test looks at what is alike once
	@TEST_SCREENS=all $(PYTEST) -q tests/e2e/console $(addprefix tests/e2e/test_,$(addsuffix .py,\
		screens accounts_console find following creating console_offers first_steps)) $(ARGS)

.PHONY: pictures measure-console
measure-console: $(VENV)/.dev console tools ## The figures of the console in docs/benchmarks.md
	@$(BIN)/python -m tests.e2e.measure_console

pictures: $(VENV)/.dev console tools ## Take the screenshots of the docs
	@$(BIN)/python -m tests.e2e.pictures $(ARGS)

.PHONY: wheel
wheel: $(VENV)/.dev ## Build the wheel and the source distribution, with a bill of materials, into dist/
	@rm -rf dist
	@$(BIN)/python -m hatchling build
	@$(BIN)/python -m tests.sbom dist
	@$(BIN)/python -m twine check --strict dist/*.whl dist/*.tar.gz

MQTT := src/veldnet/gateways/chirpstack_mqtt
CHIRPSTACK := src/veldnet/migration/chirpstack
proto: $(VENV)/.dev ## Generate code for protocol buffers: MQTT base stations, sessions of ChirpStack
	@$(BIN)/python -m grpc_tools.protoc -I$(MQTT) --python_out=$(MQTT) --pyi_out=$(MQTT) gateway.proto
	@$(BIN)/python -m grpc_tools.protoc -I$(CHIRPSTACK) --python_out=$(CHIRPSTACK) --pyi_out=$(CHIRPSTACK) session.proto

# Those of all purposes are installed together, so what several need has one version.
lock: $(VENV)/.dev ## Resolve the dependencies
	@for kind in run dev build setup amqp10; do \
		case $$kind in run) from="pyproject.toml --extra hsm --extra postgresql --extra cluster --extra connections --extra kafka --extra simulate";; \
			dev) from="pyproject.toml --extra hsm --extra postgresql --extra cluster --extra connections --extra kafka --extra simulate --extra dev";; *) from="requirements/$$kind.in";; esac; \
		test $$kind = run || from="$$from --constraints requirements/run.lock"; \
		$(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
			--custom-compile-command "make lock" $$from --output-file requirements/$$kind.lock; done

clean: ## Remove what was built
	@rm -rf $(VENV) build dist console/node_modules src/veldnet/console/static .mypy_cache .ruff_cache .pytest_cache .hypothesis
