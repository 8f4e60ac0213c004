# Every target installs what it needs from the locks in requirements/; only python3 (3.11 or newer) and make must be there.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
PYTEST := $(BIN)/python -m pytest
LOCKS := requirements
# default, dev or prod: a section of samconfig.toml.
PROFILE ?= default
STACK ?= $(if $(filter dev,$(PROFILE)),nightdesk-dev,nightdesk)
# The architecture that the layers are built for, and the region that the rebuild runs in: those of the deployment.
ARCHITECTURE := $(or $(patsubst Architecture=%,%,$(filter Architecture=%,$(PARAMETERS))),x86_64)
REGION ?= $(shell echo " $(ARGS) " | sed -nE 's/.* --region[= ]+([a-z0-9-]+) .*/\1/p')
ifneq ($(REGION),)
export AWS_DEFAULT_REGION := $(REGION)
export AWS_REGION := $(REGION)
endif
COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header $(UPGRADE)
INSTALL = $(UV) pip install --quiet --require-hashes --only-binary :all:

export UV_PYTHON_DOWNLOADS := never
export SAM_CLI_TELEMETRY := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# A folder with the files of a theme that lie over those of the default one.
ifdef THEME
export NIGHTDESK_THEME := $(abspath $(THEME))
endif
# Without bytecode, each worker and each command would compile every module again.
unexport PYTHONDONTWRITEBYTECODE
# uv does not read pip's settings.
ifdef PIP_INDEX_URL
export UV_DEFAULT_INDEX := $(PIP_INDEX_URL)
endif

.PHONY: run check lint types template-lint fast-tests test soak manners simulate pages bench deploy layers lock setup clean help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(VENV)/.run ## start the local cloud with the examples and serve the site
	@$(BIN)/nightdesk up $(ARGS)

check: $(VENV)/.dev $(VENV)/.sam build/imports ## lint, format, types, template lint and the fast tests, in about a minute
	@$(MAKE) --no-print-directory --jobs 2 lint types template-lint fast-tests

lint:
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .

types:
	@$(BIN)/mypy build/imports/nightdesk build/imports/nightdesk_cli build/imports/nightdesk_local functions

template-lint: build/.template-linted

fast-tests:
	@NIGHTDESK_EFFORT=check $(PYTEST) -q -m "not slow" --numprocesses 2 --dist worksteal tests/unit tests/contract

test: $(VENV)/.dev $(VENV)/.sam .venv-checkers/.ready ## prove the whole product; ARGS= goes to pytest
	@$(PYTEST) --numprocesses 3 --dist loadgroup $(ARGS)

soak: $(VENV)/.dev $(VENV)/.sam .venv-checkers/.ready ## search for faults: N= histories from FIRST= on, long fuzzing, large archives
	@NIGHTDESK_EFFORT=soak NIGHTDESK_HISTORIES=$(N) NIGHTDESK_FIRST=$(FIRST) \
		$(PYTEST) --numprocesses 3 --dist loadgroup -m "soak or deep or hypothesis" $(ARGS)

manners: $(VENV)/.dev $(VENV)/.sam ## run the end-to-end tests with AWS's latency, throttles, duplicates, empty polls and late schedules
	@NIGHTDESK_AWS_MANNERS=1 $(PYTEST) --numprocesses 2 --dist loadgroup $(or $(ARGS),tests/e2e)

simulate: $(VENV)/.dev ## play histories alone: N= of them, from seed FIRST= on, or explain one call by call (SEED=)
	@cd tests && ../$(BIN)/python -m simulation $(if $(SEED),--seed $(SEED)) $(if $(N),-n $(N)) $(if $(FIRST),--first $(FIRST))

pages: $(VENV)/.dev ## audit pages with Lighthouse and check that they are valid HTML, in Chromium, in about two minutes
	@$(BIN)/python -m bench.page_checks

bench: $(VENV)/.bench layers ## run the benchmarks, or those named in ARGS=
	@$(BIN)/python -m bench $(ARGS)

layers: $(VENV)/.run ## build the layers, the functions and the edge functions into build/
	@$(BIN)/python -m nightdesk_local.layers

deploy: $(VENV)/.sam ## build the stack and deploy it to AWS as STACK= in REGION=, by PROFILE=; GRADUAL=yes shifts step by step
	@$(BIN)/python -m nightdesk_local.layers --lambda-on $(ARCHITECTURE)
	$(if $(GRADUAL),$(BIN)/python -m nightdesk_local.gradual template.yaml template.gradual.yaml)
	.venv-sam/bin/sam build --config-env $(PROFILE) $(if $(GRADUAL),--template-file template.gradual.yaml)
	overrides=$$($(BIN)/python -m nightdesk_local.parameters $(PARAMETERS)) && \
		.venv-sam/bin/sam deploy --config-env $(PROFILE) --parameter-overrides "$$overrides" --stack-name $(STACK) $(ARGS)
	$(if $(filter Economy=yes,$(PARAMETERS)),,$(BIN)/nightdesk rebuild --stack $(STACK))
	$(if $(filter prod,$(PROFILE)),$(BIN)/python -c "import boto3; boto3.client('cloudformation').update_termination_protection(StackName='$(STACK)', EnableTerminationProtection=True)")

lock: $(VENV)/.uv ## compile requirements/*.in; UPGRADE=--upgrade takes newer versions
	cd $(LOCKS) && for step in uv cloud "lambda -c cloud.txt" "interface -c lambda.txt" "runtime -c cloud.txt" "payments -c cloud.txt -c runtime.txt" images search \
		"importing -c cloud.txt -c runtime.txt" "dev -c cloud.txt -c runtime.txt -c payments.txt -c images.txt -c importing.txt" sam checkers bench; do \
		set -- $$step; name=$$1; shift; ../$(COMPILE) $$name.in "$$@" -o $$name.txt || exit 1; done
	$(BIN)/python -c "from bench.lighthouse import LOCK, npm; npm('install --package-lock-only', LOCK)"

setup: $(VENV)/.dev $(VENV)/.sam ## install everything

clean: ## delete what was built; the local cloud's state stays
	rm -rf build .aws-sam .venv .venv-lambda .venv-sam .venv-checkers

# Stamps: each depends on the locks that it installs, so a second run has nothing to do.

$(VENV)/.uv: $(LOCKS)/uv.txt
	@echo "Setting up $(VENV) ..." >&2
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --require-hashes --only-binary :all: -r $(LOCKS)/uv.txt
	@touch $@

$(VENV)/.run: $(VENV)/.uv $(LOCKS)/runtime.txt $(LOCKS)/payments.txt $(LOCKS)/images.txt $(LOCKS)/search.txt $(LOCKS)/importing.txt $(LOCKS)/lambda.txt $(LOCKS)/cloud.txt pyproject.toml .venv-lambda/.ready
	@$(INSTALL) --python $(BIN)/python --compile-bytecode -r $(LOCKS)/runtime.txt -r $(LOCKS)/payments.txt -r $(LOCKS)/images.txt -r $(LOCKS)/search.txt -r $(LOCKS)/importing.txt -r $(LOCKS)/lambda.txt -r $(LOCKS)/cloud.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-index --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q shared cli local
	@touch $@

# The interpreter of the local cloud's functions: as on Lambda, it has the AWS SDK, the runtime's client and nothing else.
.venv-lambda/.ready: $(VENV)/.uv $(LOCKS)/lambda.txt $(LOCKS)/interface.txt
	@$(UV) venv --quiet --clear --python $(BIN)/python .venv-lambda
	@$(INSTALL) --python .venv-lambda/bin/python --compile-bytecode -r $(LOCKS)/lambda.txt -r $(LOCKS)/interface.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.run $(LOCKS)/dev.txt
	@$(INSTALL) --python $(BIN)/python --compile-bytecode -r $(LOCKS)/dev.txt
	@touch $@

$(VENV)/.sam: $(VENV)/.run $(LOCKS)/sam.txt
	@$(UV) venv --quiet --clear --python $(BIN)/python .venv-sam
	@$(INSTALL) --python .venv-sam/bin/python -r $(LOCKS)/sam.txt
	@touch $@

.venv-checkers/.ready: $(VENV)/.uv $(LOCKS)/checkers.txt
	@$(UV) venv --quiet --clear --python $(BIN)/python .venv-checkers
	@$(INSTALL) --python .venv-checkers/bin/python -r $(LOCKS)/checkers.txt
	@touch $@

$(VENV)/.bench: $(VENV)/.dev $(LOCKS)/bench.txt
	@$(INSTALL) --python $(BIN)/python -r $(LOCKS)/bench.txt
	@touch $@

# Linted again only when it has changed.
build/.template-linted: template.yaml $(VENV)/.sam
	@.venv-sam/bin/cfn-lint template.yaml
	@mkdir -p $(@D) && touch $@

build/imports:
	@mkdir -p $@
	@ln -sfn ../../shared/nightdesk $@/nightdesk
	@ln -sfn ../../cli $@/nightdesk_cli
	@ln -sfn ../../local $@/nightdesk_local
