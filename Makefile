# Everything is built, tested and packed by these targets; they need Go, make
# and git, and fetch the rest, pinned, as Go modules.

# What runs says which version it is: in its log, its User-Agent and `tairssl version`.
VERSION  ?= $(shell git describe --tags --dirty 2>/dev/null || git log -1 --format=%cs-%h 2>/dev/null || echo dev)
# validator_novalidatefn and lambda.norpc let the linker drop what is never
# called: without them each function is nearly twice as large.
TAGS     := lambda.norpc,validator_novalidatefn
# Inlined copies of the SDKs' functions and of these packages make a package 240 kB
# larger and the start no faster (measured with make bench).
LEAN     := $(foreach packages,github.com net encoding crypto/tls crypto/x509,-gcflags=$(packages)/...=-l)
# Nothing of the machine goes into a binary: the same source and version, the
# same bytes.
FLAGS    := -trimpath -buildvcs=false -tags $(TAGS) $(LEAN) -ldflags="-s -w -buildid= -X tairssl/handler.Version=$(VERSION)"
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
LAMBDA_ZIP  := github.com/aws/aws-lambda-go/cmd/build-lambda-zip@v1.55.1
EMULATOR    := github.com/aws/aws-lambda-runtime-interface-emulator/cmd/aws-lambda-rie@v0.0.0-20261030222936-bef5c4ba774d
GREMLINS    := github.com/go-gremlins/gremlins/cmd/gremlins@v0.6.0
# By count: a time that is up while a machine is busy makes the fuzzer fail.
FUZZTIME ?= 10000x

export CGO_ENABLED ?= 0

.PHONY: help demo test check release storm mutants templates bench build package fuzz clean build-TairSSLFunction build-TairSSLWebhooks

help: ## show this help
	@awk -F ':.*## ' '/^[a-zA-Z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: build ## send the sample events through both real functions, against an emulated cloud
	@dist/tairssl demo --events events

# The race detector needs a C compiler; without one the tests run all the same. At its
# end a process with it rests for a second, unless told otherwise.
RACE := $(if $(shell command -v gcc || command -v clang),-race)

test: ## run the tests, with the race detector where there is a C compiler
	CGO_ENABLED=$(if $(RACE),1,0) GORACE=atexit_sleep_ms=0 go test $(RACE) -count=1 -timeout 10m ./...

# What is drawn by chance, here and in any other test, is repeated by SEED, which is
# printed.
INSTANCES ?= 300
SEEDS     ?= 5

storm: build ## many deliveries to both real functions while calls fail and processes die: nothing restarts twice
	go test ./adapters/cli/storm -run 'TestStorm$$' -v -count=1 -timeout 20m -parallel 3 -storm.binaries $(CURDIR)/dist \
	  -storm.instances $(INSTANCES) -storm.seeds $(SEEDS)

check: build templates ## format, modules, vet, staticcheck, templates, short fuzzing, both packages
	@files=$$(gofmt -l .); test -z "$$files" || { echo "gofmt -w $$files"; exit 1; }
	go mod tidy -diff
	go vet -tags $(TAGS) ./...
	go vet -tags clouds ./...
	go run $(STATICCHECK) -tags clouds ./...
	$(MAKE) --no-print-directory fuzz package

# The Go tests check the descriptions by themselves. These tests give them to the
# tools of others. What npm and the Go module proxy have is installed here, pinned;
# cfn-lint, AWS's translator and client, terraform and qemu are used where they
# are. A check that could not be made is said aloud, and is no failure.
templates: dist/lambda-arm64/bootstrap dist/lambda-x86_64/bootstrap ## check the descriptions with the tools of the clouds, and say which are not here
	@mkdir -p dist/npm && cp adapters/function/testdata/npm/package*.json dist/npm/ && npm ci --prefix dist/npm --no-audit --no-fund >/dev/null 2>&1 || true
	@GOBIN=$(CURDIR)/dist/tools go install $(EMULATOR) >/dev/null 2>&1 || true
	@export TAIRSSL_NODE_MODULES=$$(test -d dist/npm/node_modules/jsonata && echo dist/npm/node_modules); \
	export TAIRSSL_CHECK_AWS=$$(command -v aws); \
	go test -tags clouds -count=1 -v -timeout 10m -run '^TestTool|^TestFleet|^TestDevsPropsMatch|^TestEveryCommandOfTheREADMEs' ./adapters/function ./adapters/lambda ./adapters/fc ./adapters/cli >dist/templates.log 2>&1; \
	code=$$?; grep -E '^(--- |ok|FAIL)' dist/templates.log; \
	test $$code = 0 || cat dist/templates.log; \
	test -n "$$TAIRSSL_NODE_MODULES" || echo "NOT CHECKED: npm is not here: the state machine runs on a library in Go instead of the reference implementation of JSONata"; \
	test -n "$$TAIRSSL_CHECK_AWS" || echo "NOT CHECKED: aws is not here: the documented calls of AWS are not given to its client"; \
	grep -ho 'NOT CHECKED: .*' dist/templates.log | sort -u; exit $$code

dist/lambda-%/bootstrap: FORCE
	GOOS=linux GOARCH=$(if $(filter x86_64,$*),amd64,$*) go build $(FLAGS) -o $@ ./adapters/lambda/bootstrap

.PHONY: FORCE
FORCE:

fuzz: ## run each fuzz target for FUZZTIME
	@grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u | while read -r dir; do \
	  for target in $$(grep -hoE '^func Fuzz[A-Za-z0-9_]*' $$dir/*_test.go | cut -c6-); do \
	    echo "fuzz $$dir $$target"; go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$dir || exit 1; \
	  done; done

# Of webhook, the files with the signature schemes.
SCHEMES := scheme credential standard github grafana
MUTATED ?= handler handler/fleet adapters/chatops adapters/webhook
EXCLUDED_handler          := '^(fleet|handlertest)/'
EXCLUDED_adapters/webhook := '^webhooktest/' $(patsubst %,'^%$$',$(filter-out $(SCHEMES:=.go) %_test.go,$(notdir $(wildcard adapters/webhook/*.go))))

# Faults by hand first, then what gremlins makes of every operator: a mutant lives if
# the short tests pass with it. Those that time out are loops without end. Not covered
# are, beside code that no test reaches, the conditions of switch cases, for Go's
# coverage does not count them; the faults by hand include such. --test-cpu must not be
# given: in v0.6.0 it makes every test fail. The folder handler/testdata/mutants
# says why another go is used.
mutants: ## change the code in some hundred ways: the tests have to notice 90 % (10 to 20 minutes)
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

bench: build ## measure start, decode, decide and handle, side by side with the plain thing
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

# The folder holds the zips, the command for four platforms, what each consists of
# (the modules and their sums), checksums, and notes: the commits since the last
# tag, and what changed its meaning, of adapters/UPGRADE.md.
release: ## make a release in dist/release/VERSION: make release VERSION=v1.2.3
	@case '$(VERSION)' in v[0-9]*.[0-9]*.[0-9]*) ;; *) echo "VERSION=$(VERSION) is no version such as v1.2.3"; exit 2;; esac
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

# sam build calls these with ARTIFACTS_DIR; the architecture is template.yaml's,
# and so are the names: two functions of one binary.
build-TairSSLFunction build-TairSSLWebhooks:
	GOOS=linux GOARCH=$(or $(SAM_GOARCH),arm64) go build $(FLAGS) -o $(ARTIFACTS_DIR)/bootstrap ./adapters/lambda/bootstrap

clean: ## remove dist/
	rm -rf dist
