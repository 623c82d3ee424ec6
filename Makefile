# make local runs the platform on this machine, make test passes the tests.
# Everything they need is installed below build/ and node_modules/, at the
# versions that the lock files name.

export CHECKPOINT_DISABLE := 1
export DISABLE_VERSION_CHECK := 1
# Where the registry cannot be reached, make setup makes a configuration that names
# a mirror; the user's own counts elsewhere. Looked up when a recipe needs it. The
# CLI also locks providers, which asks the registry unless it is told of the mirror.
user_rc := $(TF_CLI_CONFIG_FILE)
offline := $(CURDIR)/build/terraform
export TF_CLI_CONFIG_FILE = $(shell test -f $(offline)/terraform.rc && echo $(offline)/terraform.rc || echo $(user_rc))
export TF_CLI_ARGS_providers_lock = $(shell test -f $(offline)/terraform.rc && echo -fs-mirror=$(offline)/mirror)

# What is uploaded runs on Linux with x86-64, whatever this machine is.
STATIC := CGO_ENABLED=0 go build -trimpath -buildvcs=false
CLOUD  := GOOS=linux GOARCH=amd64 $(STATIC)
CDKTF  := node_modules/.bin/cdktf

.PHONY: local local-down local-status test lint bench docs diagram fmt setup build synth diff plan-card deploy destroy outputs reap drift eject bootstrap demo load clean

local: setup build ## the whole platform on this machine
	@build/local up

local-down: build/local ## end it
	@build/local down

local-status: build/local ## say what of it runs
	@build/local status

demo: build/local ## a portfolio and a moving market on the local platform, until Ctrl-C or FOR=30s
	@build/local demo $(if $(FOR),--for $(FOR))

test: setup build ## every test there is
	go test -timeout 40m ./...

lint: setup build/tools/checkov/.done ## formatting, static analysis, security checks
	@.ci/lint

bench: setup build ## how fast synthesis is, into docs/performance.md
	go run ./tools/synthbench

docs: setup ## docs/cost.md and the diagram, from what is synthesized
	go test ./test -run Documents -update
	go run ./tools/diagram

diagram: ## docs/architecture.svg, from the standard profile's snapshot
	go run ./tools/diagram

load: ## what the service bears, into docs/performance.md
	go run ./tools/load

fmt: ## format all Go, its imports too
	go tool -modfile=.ci/tools/go.mod golangci-lint fmt

bootstrap: setup ## what the account has once: state bucket, GitHub's roles; ADOPT=1 takes a bucket over
	@go build -o build/bootstrap ./bootstrap && build/bootstrap apply $(if $(ADOPT),--adopt)

synth: setup ## write cdktf.out
	$(CDKTF) synth

diff: setup build ## what deploy would change
	$(CDKTF) diff

# 3 is ops' status for changes. Its failures end make with 2: where the status
# counts, call build/ops.
plan-card: setup build build/ops ## the same on a page, for a review; OUT=FILE BASE=FILE ACCEPT_DANGEROUS=true
	@build/ops plan $(if $(OUT),--out "$(OUT)") $(if $(BASE),--base "$(BASE)") $(if $(filter true,$(ACCEPT_DANGEROUS)),--accept-dangerous) || test $$? -eq 3

deploy: setup build ## create or update ENVIRONMENT_SUFFIX and wait for its instances
	@.ci/deploy

destroy: setup build ## remove ENVIRONMENT_SUFFIX
	$(CDKTF) destroy --auto-approve

outputs: setup ## outputs of ENVIRONMENT_SUFFIX
	$(CDKTF) output

# Without OPEN the open pull requests are GitHub's; where it does not say, make ends.
reap: setup build build/ops ## destroy closed pull requests' environments; YES=true does it; OPEN=12,15|none ONLY=pr7
	@open=$(or $(OPEN),$$(build/ops github open-pulls --label deploy-preview)) && build/ops reap --open "$$open" $(if $(ONLY),--only "$(ONLY)") $(if $(filter true,$(YES)),--yes)

drift: setup build build/ops ## what was changed outside Terraform, into build/drift; 3 is ops' word for drift
	@rm -rf build/drift && mkdir -p build/drift
	@build/ops drift --out build/drift || test $$? -eq 3

eject: setup build build/ops ## ENVIRONMENT_SUFFIX as HCL in build/eject: the way out of CDKTF
	CDKTF_OUTDIR=build go run .
	@build/ops eject

setup: prerequisites node_modules/.bin/cdktf .gen/go/archive/go.mod build/tools/python/.done build/terraform/.done systemd-analyze ## tools and bindings

build: build/local ## the service and the Lambda, for the cloud and for this machine
	@mkdir -p build/lambda build/backend build/machine
	$(CLOUD) -tags lambda.norpc -o build/lambda/bootstrap ./lambda
	$(CLOUD) -o build/backend/portfolio ./backend/cmd/portfolio
	$(STATIC) -tags lambda.norpc -o build/machine/bootstrap ./lambda
	$(STATIC) -o build/machine/portfolio ./backend/cmd/portfolio
	@chmod 0755 build/lambda/bootstrap build/backend/portfolio

.PHONY: build/local
build/local:
	@mkdir -p build
	go build -o build/local ./local

.PHONY: build/ops
build/ops: ## the operator's program, whose exit statuses go run would hide
	@mkdir -p build
	go build -o build/ops ./ops

node_modules/.package-lock.json: package.json package-lock.json
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# npm's link would start the CLI as it is, which takes seconds: fastsynth/cli does it faster.
node_modules/.bin/cdktf: fastsynth/cli/cdktf node_modules/.package-lock.json
	@rm -f $@ && cp $< $@ && touch $@

# Bindings of the archive provider are served in no Go version. Node's end-of-life
# notice is jsii's, not ours.
.gen/go/archive/go.mod: node_modules/.package-lock.json
	JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20,22,24 npx --no-install jsii-pacmak --targets go --code-only -o .gen node_modules/@cdktf/provider-archive
	@touch $@

build/tools/python/.done: local/requirements.txt
	python3 -m venv build/tools/python
	build/tools/python/bin/pip install --quiet --disable-pip-version-check --require-hashes -r local/requirements.txt
	@touch $@

build/terraform/.done: local/platform/providers.go local/archiveprovider/go.mod .gen/go/archive/go.mod | build/local
	build/local providers
	@mkdir -p build/terraform && touch $@

.PHONY: prerequisites
prerequisites:
	@.ci/prerequisites

.PHONY: systemd-analyze
systemd-analyze:
	@.ci/tools/systemd-analyze.sh

build/tools/checkov/.done: .ci/checkov/requirements.txt
	python3 -m venv build/tools/checkov
	build/tools/checkov/bin/pip install --quiet --disable-pip-version-check --require-hashes -r .ci/checkov/requirements.txt
	@touch $@

clean: ## remove everything that make made
	-@test ! -x build/local || build/local down
	rm -rf .gen .local build cdktf.out node_modules
