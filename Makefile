# These targets build, test and pack everything. They need Go, make and git. They
# install all other tools as Go modules, in fixed versions.

# Each binary contains this version. It appears in the log, in the User-Agent and in
# `tairssl version`.
VERSION  ?= $(shell git describe --tags --dirty 2>/dev/null || git log -1 --format=%cs-%h 2>/dev/null || echo dev)
# validator_novalidatefn and lambda.norpc let the linker remove unused code. Without
# them each function is nearly twice as large.
TAGS     := lambda.norpc,validator_novalidatefn
# These packages are built without inlining. With inlining a package is 240 kB larger
# and starts no faster (measured with make bench).
LEAN     := $(foreach packages,github.com net encoding crypto/tls crypto/x509,-gcflags=$(packages)/...=-l)
# Binaries contain nothing of this machine: the same source and version give the same
# bytes everywhere.
FLAGS    := -trimpath -buildvcs=false -tags $(TAGS) $(LEAN) -ldflags="-s -w -buildid= -X tairssl/handler.Version=$(VERSION)"
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
LAMBDA_ZIP  := github.com/aws/aws-lambda-go/cmd/build-lambda-zip@v1.55.1
EMULATOR    := github.com/aws/aws-lambda-runtime-interface-emulator/cmd/aws-lambda-rie@v0.0.0-20261030222936-bef5c4ba774d
GREMLINS    := github.com/go-gremlins/gremlins/cmd/gremlins@v0.6.0
# A number of inputs, not a time: on a busy machine the fuzzer fails at the end of a time.
FUZZTIME ?= 10000x

export CGO_ENABLED ?= 0

.PHONY: help demo test check release storm mutants templates bench build package fuzz clean build-TairSSLFunction build-TairSSLWebhooks

help: ## show this help
	@awk -F ':.*## ' '/^[a-zA-Z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: build ## send six sample events to the real functions, with an emulated cloud
	@dist/tairssl demo --events events

# The race detector needs a C compiler. Without a compiler the tests run without it.
# GORACE removes the second that a process with the race detector sleeps at its end.
RACE := $(if $(shell command -v gcc || command -v clang),-race)

# The tests of the real functions mostly wait, so three packages at a time keep two
# processors busy.
test: ## run all tests, with the race detector if there is a C compiler
	CGO_ENABLED=$(if $(RACE),1,0) GORACE=atexit_sleep_ms=0 go test $(RACE) -p 3 -count=1 -timeout 10m ./...

# Tests that draw at random print their seed. SEED=N draws the same again.
INSTANCES ?= 300
SEEDS     ?= 5

storm: build ## test the promise: many deliveries to both real functions while calls fail and processes die
	go test ./adapters/cli/storm -run 'TestStorm$$' -v -count=1 -timeout 20m -parallel 3 -storm.binaries $(CURDIR)/dist \
	  -storm.instances $(INSTANCES) -storm.seeds $(SEEDS)

check: build templates ## check format, modules, vet, staticcheck and templates; fuzz shortly; build all packages
	@files=$$(gofmt -l .); test -z "$$files" || { echo "gofmt -w $$files"; exit 1; }
	go mod tidy -diff
	go vet -tags $(TAGS) ./...
	go vet -tags clouds ./...
	go run $(STATICCHECK) -tags clouds ./...
	$(MAKE) --no-print-directory fuzz package

# The Go tests check the deployment descriptions without other tools. This target gives
# the descriptions to the tools of the clouds. It installs tools from npm and the Go module
# proxy in fixed versions. It uses cfn-lint, AWS's translator and client, terraform and qemu
# only if this machine has them. A missing tool is reported, but is no failure.
templates: dist/lambda-arm64/bootstrap dist/lambda-x86_64/bootstrap ## check the deployment descriptions with the tools of the clouds; name the missing tools
	@mkdir -p dist/npm && cp adapters/function/testdata/npm/package*.json dist/npm/ && npm ci --prefix dist/npm --no-audit --no-fund >/dev/null 2>&1 || true
	@GOBIN=$(CURDIR)/dist/tools go install $(EMULATOR) >/dev/null 2>&1 || true
	@export TAIRSSL_NODE_MODULES=$$(test -d dist/npm/node_modules/jsonata && echo dist/npm/node_modules); \
	export TAIRSSL_CHECK_AWS=$$(command -v aws); \
	go test -tags clouds -count=1 -v -timeout 10m -run '^TestTool|^TestFleet|^TestDevsPropsMatch|^TestEveryCommandOfTheREADMEs' ./adapters/function ./adapters/lambda ./adapters/fc ./adapters/cli >dist/templates.log 2>&1; \
	code=$$?; grep -E '^(--- |ok|FAIL)' dist/templates.log; \
	test $$code = 0 || cat dist/templates.log; \
	test -n "$$TAIRSSL_NODE_MODULES" || echo "NOT CHECKED: this machine has no npm: the state machine runs on a Go library instead of the reference implementation of JSONata"; \
	test -n "$$TAIRSSL_CHECK_AWS" || echo "NOT CHECKED: this machine has no aws command: the documented calls are not checked by the client of AWS"; \
	grep -ho 'NOT CHECKED: .*' dist/templates.log | sort -u; exit $$code

dist/lambda-%/bootstrap: FORCE
	GOOS=linux GOARCH=$(if $(filter x86_64,$*),amd64,$*) go build $(FLAGS) -o $@ ./adapters/lambda/bootstrap

.PHONY: FORCE
FORCE:

fuzz: ## run each fuzz target for FUZZTIME inputs
	@grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u | while read -r dir; do \
	  for target in $$(grep -hoE '^func Fuzz[A-Za-z0-9_]*' $$dir/*_test.go | cut -c6-); do \
	    echo "fuzz $$dir $$target"; go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$dir || exit 1; \
	  done; done

# In adapters/webhook, only the files with these signature schemes are mutated.
SCHEMES := scheme credential standard github grafana
MUTATED ?= handler handler/fleet adapters/chatops adapters/webhook
EXCLUDED_handler          := '^(fleet|handlertest)/'
EXCLUDED_adapters/webhook := '^webhooktest/' $(patsubst %,'^%$$',$(filter-out $(SCHEMES:=.go) %_test.go,$(notdir $(wildcard adapters/webhook/*.go))))

# The first command makes faults that were written by hand. Then gremlins changes every
# operator. A mutant lives if the short tests pass with it. Mutants that time out are
# endless loops. "Not covered" also counts the conditions of switch cases, because Go's
# coverage does not include them; some faults by hand change such conditions. Do not add
# --test-cpu: in v0.6.0 it makes every test fail. handler/testdata/mutants explains why
# PATH begins with another go.
mutants: ## change the code in several hundred ways; the tests must notice 90 % (10 to 20 minutes)
	go test -tags mutants -count=1 -run '^TestEverySlipIsNoticed$$' -timeout 60m ./handler
	@mkdir -p dist/mutants && rm -f dist/mutants/*
	GOBIN=$(CURDIR)/dist/mutants go install $(GREMLINS)
	@export REAL_GO=$$(command -v go) PATH=$(CURDIR)/handler/testdata/mutants:$$PATH; \
	$(foreach dir,$(MUTATED),\
	  { echo "== $(dir)"; dist/mutants/gremlins unleash --workers 2 --timeout-coefficient 10 --output-statuses lt --threshold-efficacy 90 \
	      $(foreach files,$(EXCLUDED_$(dir)),--exclude-files $(files)) ./$(dir) || echo "$(dir)" >> dist/mutants/failed; } | tee -a dist/mutants/log;) \
	awk -F'[:,] *' 'BEGIN { form = "%-20s %7s %6s %10s %11s %12s %9s\n"; printf "\n" form, "", "killed", "lived", "timed out", "not viable", "not covered", "efficacy" } \
	  /^== / { dir = substr($$0, 4) } /^Killed:/ { killed = $$2; lived = $$4; bare = $$6 } /^Timed out:/ { late = $$2; broken = $$4 } \
	  /^Test efficacy:/ { printf form, dir, killed, lived, late, broken, bare, $$2 }' dist/mutants/log; \
	if test -e dist/mutants/failed; then echo "less than 90 %, or no result: $$(tr '\n' ' ' < dist/mutants/failed)"; exit 1; fi

bench: build ## measure start, decode, decide and handle, and compare with plain programs
	go build $(FLAGS) -o dist/bench/lambda-plain ./adapters/lambda/testdata/plain
	go build $(FLAGS) -o dist/bench/lambda-empty ./adapters/lambda/testdata/empty
	go build $(FLAGS) -o dist/bench/fc-plain ./adapters/fc/testdata/plain
	go test -run '^$$' -bench . -benchmem -tags $(TAGS) ./...

build: ## build both functions and the command for this machine, into dist/
	go build $(FLAGS) -o dist/lambda/bootstrap ./adapters/lambda/bootstrap
	go build $(FLAGS) -o dist/fc/bootstrap ./adapters/fc/bootstrap
	go build $(FLAGS) -o dist/tairssl ./adapters/cli/tairssl

package: dist/lambda-arm64/bootstrap dist/lambda-x86_64/bootstrap ## build and zip the functions: Lambda arm64 and x86_64, Function Compute x86_64
	GOOS=linux GOARCH=amd64 go build $(FLAGS) -o dist/fc-x86_64/bootstrap ./adapters/fc/bootstrap
	@for name in lambda-arm64 lambda-x86_64 fc-x86_64; do \
	  GOOS= GOARCH= go run $(LAMBDA_ZIP) -o dist/tairssl-$$name.zip dist/$$name/bootstrap >/dev/null || exit 1; \
	  size=$$(wc -c < dist/tairssl-$$name.zip); echo "dist/tairssl-$$name.zip $$size bytes"; \
	  test $$size -le 4718592 || { echo "dist/tairssl-$$name.zip is over 4.5 MB"; exit 1; }; done

RELEASE := dist/release/$(VERSION)

# The folder contains the zips, the command for four platforms, a list of the modules and
# their sums for each, checksums, and notes. The notes are the commits since the last tag
# and the text of adapters/UPGRADE.md.
release: ## make a release in dist/release/VERSION: make release VERSION=v1.2.3
	@case '$(VERSION)' in v[0-9]*.[0-9]*.[0-9]*) ;; *) echo "VERSION=$(VERSION) is not a version such as v1.2.3"; exit 2;; esac
	@$(MAKE) --no-print-directory package VERSION=$(VERSION)
	@rm -rf $(RELEASE) && mkdir -p $(RELEASE)
	cp dist/tairssl-lambda-arm64.zip dist/tairssl-lambda-x86_64.zip dist/tairssl-fc-x86_64.zip $(RELEASE)/
	@for os in linux darwin; do for arch in amd64 arm64; do \
	  GOOS=$$os GOARCH=$$arch go build $(FLAGS) -o $(RELEASE)/tairssl-$$os-$$arch ./adapters/cli/tairssl || exit 1; done; done
	@for name in lambda-arm64 lambda-x86_64 fc-x86_64; do go version -m dist/$$name/bootstrap | sed '1s/.*/tairssl-'$$name.zip'/' > $(RELEASE)/sbom-$$name.txt; done
	@for file in $(RELEASE)/tairssl-*-a*64; do case $$file in *.zip) ;; *) go version -m $$file | sed "1s|.*|$$(basename $$file)|" > $(RELEASE)/sbom-$$(basename $$file).txt;; esac; done
	@{ echo "# tairssl $(VERSION)"; echo; echo "## Changes"; echo; \
	  last=$$(git describe --tags --abbrev=0 --exclude '$(VERSION)' 2>/dev/null); \
	  git log --no-merges --format='- %s' $${last:+$$last..HEAD} 2>/dev/null || true; \
	  echo; echo "## Upgrade"; echo; sed 1,2d adapters/UPGRADE.md; } > $(RELEASE)/NOTES.md
	cd $(RELEASE) && sha256sum * > SHA256SUMS && cat SHA256SUMS

# sam build calls these targets with ARTIFACTS_DIR. template.yaml sets their names and
# the architecture: both functions use the same binary.
build-TairSSLFunction build-TairSSLWebhooks:
	GOOS=linux GOARCH=$(or $(SAM_GOARCH),arm64) go build $(FLAGS) -o $(ARTIFACTS_DIR)/bootstrap ./adapters/lambda/bootstrap

clean: ## remove dist/
	rm -rf dist
