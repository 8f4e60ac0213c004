# Everything sets itself up from the locks in requirements/; only python3 (3.11 or newer) and make must be there.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
LOCKS := requirements
STACK ?= nightdesk
COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header $(UPGRADE)
INSTALL = $(UV) pip install --quiet --require-hashes --only-binary :all:

export UV_PYTHON_DOWNLOADS := never
export SAM_CLI_TELEMETRY := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Whoever points pip at a mirror means uv too.
ifdef PIP_INDEX_URL
export UV_DEFAULT_INDEX := $(PIP_INDEX_URL)
endif

.PHONY: run test check simulate bench deploy layers lock setup clean help

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(VENV)/.run ## start the local cloud with the examples and serve the site
	@$(BIN)/nightdesk up $(ARGS)

test: $(VENV)/.dev $(VENV)/.sam ## run every test
	@$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(VENV)/.dev $(VENV)/.sam build/imports ## lint, format, types, template lint and the fast tests
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy build/imports/nightdesk build/imports/nightdesk_cli build/imports/nightdesk_local functions
	@$(BIN)/python -m pytest -q tests/unit tests/contract

simulate: $(VENV)/.dev ## play many histories (N=), from a seed on (FIRST=), or tell one call by call (SEED=)
	@cd tests && ../$(BIN)/python -m simulation $(if $(SEED),--seed $(SEED)) $(if $(N),-n $(N)) $(if $(FIRST),--first $(FIRST))

bench: $(VENV)/.bench layers ## the project's own benchmarks
	@$(BIN)/python -m bench $(ARGS)

layers: $(VENV)/.run ## build the layers, the functions and the edge functions into build/
	@$(BIN)/python -m nightdesk_local.layers

deploy: $(VENV)/.sam ## build the stack and deploy it to AWS
	@$(BIN)/python -m nightdesk_local.layers --for-aws
	.venv-sam/bin/sam build
	.venv-sam/bin/sam deploy --parameter-overrides PythonVersion=$$($(BIN)/python -c "import sys; print(\"%d.%d\" % sys.version_info[:2])") $(PARAMETERS) \
		--stack-name $(STACK) $(ARGS)
	$(BIN)/nightdesk rebuild --stack $(STACK)

lock: $(VENV)/.uv ## compile requirements/*.in again; UPGRADE=--upgrade takes newer versions
	cd $(LOCKS) && for step in uv cloud "lambda -c cloud.txt" "runtime -c cloud.txt" "payments -c cloud.txt -c runtime.txt" \
		"dev -c cloud.txt -c runtime.txt -c payments.txt" sam bench; do \
		set -- $$step; name=$$1; shift; ../$(COMPILE) $$name.in "$$@" -o $$name.txt || exit 1; done

setup: $(VENV)/.dev $(VENV)/.sam ## install everything

clean: ## forget what was built; the local cloud's state stays
	rm -rf build .aws-sam .venv .venv-lambda .venv-sam

# Stamps: each names the locks that it stands for, so a second run has nothing to do.

$(VENV)/.uv: $(LOCKS)/uv.txt
	@echo "Setting up $(VENV) ..." >&2
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --require-hashes --only-binary :all: -r $(LOCKS)/uv.txt
	@touch $@

$(VENV)/.run: $(VENV)/.uv $(LOCKS)/runtime.txt $(LOCKS)/payments.txt $(LOCKS)/lambda.txt $(LOCKS)/cloud.txt pyproject.toml .venv-lambda/.ready
	@$(INSTALL) --python $(BIN)/python -r $(LOCKS)/runtime.txt -r $(LOCKS)/payments.txt -r $(LOCKS)/lambda.txt -r $(LOCKS)/cloud.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-index --no-build-isolation --editable .
	@touch $@

# What a Lambda function finds without layers: the AWS SDK, and not even pip.
.venv-lambda/.ready: $(VENV)/.uv $(LOCKS)/lambda.txt
	@$(UV) venv --quiet --clear --python $(BIN)/python .venv-lambda
	@$(INSTALL) --python .venv-lambda/bin/python --compile-bytecode -r $(LOCKS)/lambda.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.run $(LOCKS)/dev.txt
	@$(INSTALL) --python $(BIN)/python -r $(LOCKS)/dev.txt
	@touch $@

$(VENV)/.sam: $(VENV)/.run $(LOCKS)/sam.txt
	@$(UV) venv --quiet --clear --python $(BIN)/python .venv-sam
	@$(INSTALL) --python .venv-sam/bin/python -r $(LOCKS)/sam.txt
	@touch $@

$(VENV)/.bench: $(VENV)/.dev $(LOCKS)/bench.txt
	@$(INSTALL) --python $(BIN)/python -r $(LOCKS)/bench.txt
	@touch $@

build/imports:
	@mkdir -p $@
	@ln -sfn ../../shared/nightdesk $@/nightdesk
	@ln -sfn ../../cli $@/nightdesk_cli
	@ln -sfn ../../local $@/nightdesk_local
