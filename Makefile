# Framescope's commands. `make help` lists them; every one works from a clean checkout.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

ADDR ?= 127.0.0.1:8080
FUZZTIME ?= 30s
BENCHTIME ?= 1s
BENCHFLAGS ?=
SOAK ?= 20m
PKG ?= ./protocol ./server/websocket ./server/tap ./wasm/inspect ./server/decode

# A file beside a target of the same name (build/) would stop it from ever running.
.PHONY: frameworks help run build dev test test-go test-page bench bench-peers bench-socketio compare soak fuzz mutants lint fmt profile clean tools modules page page-tests builder browser socketio-client

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## build all and serve on http://127.0.0.1:8080/ (ADDR=HOST:PORT)
	@exec bin/framescope serve --addr '$(ADDR)'

build: page ## build bin/framescope, page and WASM inside
	@CGO_ENABLED=0 go build -trimpath -buildvcs=false -o bin/framescope ./server

dev: modules builder ## serve, watch the sources, rebuild and reload the page (ADDR=HOST:PORT)
	@exec bin/build --dev --addr '$(ADDR)'

# With FULL=1, as in CI, the tests that play thousands of cases play all of them. Without it
# they play some of every kind, which takes seconds instead of minutes.
test: test-go test-page ## run every test, browser included, race detector on (FULL=1: all inputs)
	@echo 'make test: all tests passed'

bench: page-tests browser ## run the benchmarks: Go, and the page in a browser (BENCHTIME=1s)
	@go test -run '^$$' -bench . -benchmem -benchtime '$(BENCHTIME)' ./protocol/... ./wasm/... ./server/...

bench-peers: build ## measure us beside other Go libraries (BENCHFLAGS='-quick -rows 125.B -o table.md')
	@cd server/websocket/internal/bench && go test -c -o ../../../../bin/bench-peers .
	@exec bin/bench-peers measure -program '$(CURDIR)/bin/framescope' $(BENCHFLAGS)

bench-socketio: build ## measure /socket.io/ beside /ws/echo and npm's socket.io: CPU time for a message
	@go test -run '^$$' -bench CPU -benchtime 1x ./server/socketio -program='$(CURDIR)/bin/framescope'

compare: tools ## compare us and gorilla/websocket with the RFC, case by case: a Markdown table
	@mkdir -p bin && FULL=1 go test -count=1 ./server/websocket/internal/compare -compare.table='$(CURDIR)/bin/compare.md' >&2 && cat bin/compare.md

frameworks: ## try our handlers inside chi, gin and echo
	@cd server/websocket/testdata/frameworks && go test -count=1 .

soak: build ## attack a server from all sides beside well-behaved clients: a Markdown table (SOAK=20m)
	@rm -f bin/soak.md; code=0; go test -count=1 -timeout 0 -v ./server/soak -soak.time='$(SOAK)' \
	  -soak.binary='$(CURDIR)/bin/framescope' -soak.table='$(CURDIR)/bin/soak.md' >&2 || code=$$?; \
	  cat bin/soak.md && exit $$code

fuzz: tools ## run every fuzz target for a while each (FUZZTIME=30s)
	@go list -f '{{.Dir}}' ./... | while read -r dir; do \
	  { grep -hoE '^func Fuzz[A-Za-z0-9_]+' "$$dir"/*_test.go || true; } | while read -r _ target; do \
	    echo "== $${dir#$$PWD/} $$target"; \
	    go test -run '^$$' -fuzz "^$$target\$$" -fuzztime '$(FUZZTIME)' -fuzzminimizetime 100x "$$dir" </dev/null; \
	  done; done

# A full run takes hours: SAMPLE=10 mutates one line in ten, LIMIT=30m ends each package's run after 30 minutes.
mutants: tools ## change the code in many small ways and list what the tests do not notice (PKG=./protocol SAMPLE=10 LIMIT=30m)
	@build/mutants.sh $(PKG)

lint: modules ## gofmt, go vet, staticcheck, tsc and the TypeScript linter
	@unformatted=$$(gofmt -l build protocol server wasm); \
	  if [ -n "$$unformatted" ]; then echo "not formatted, run make fmt:" $$unformatted; exit 1; fi
	@go vet ./... && go tool staticcheck ./...
	@GOOS=wasip1 GOARCH=wasm go vet ./wasm/... ./protocol/...
	@# U1000 is off here: staticcheck takes functions that only the host calls for unused.
	@staticcheck=$$(go tool -n staticcheck) && \
	  GOOS=wasip1 GOARCH=wasm "$$staticcheck" -checks inherit,-U1000 ./wasm/... ./protocol/...
	@cd frontend && npm run --silent lint

fmt: modules ## format Go and TypeScript
	@gofmt -w build protocol server wasm
	@cd frontend && npm run --silent format

profile: tools ## renew the profile that guides inlining in the WASM build
	@go test -trimpath -run '^$$' -bench Ingest/alike -benchtime 4s -o /tmp/inspect.test -cpuprofile wasm/default.pgo ./wasm/inspect
	@rm /tmp/inspect.test

clean: ## remove everything that was built or installed, node_modules included
	@rm -rf bin frontend/node_modules
	@find server/site/dist -mindepth 1 -not -name .gitkeep -delete

# Prerequisites of the targets above.

test-go: page-tests browser socketio-client
	@GOOS=wasip1 GOARCH=wasm go vet ./wasm/... ./protocol/...
	@go test -race -timeout 14m $(GOTESTFLAGS) $$(go list ./... | grep -v '/server/soak$$')
	@# Alone: its attacks use the machine up, and its clients measure how a server holds then.
	@go test -race -timeout 14m $(GOTESTFLAGS) ./server/soak

test-page: page-tests
	@cd frontend && npm run --silent typecheck
	@node --test bin/test/

page: modules builder
	@bin/build

page-tests: modules builder
	@bin/build --tests

# Not `go run`: that adds a line to every failure and keeps signals from its child.
builder: tools
	@go build -buildvcs=false -o bin/build ./build

# npm ci only when the lock has changed: a copy of the installed one lies beside what it installed.
modules: tools
	@cd frontend && cmp -s package-lock.json node_modules/.installed-lock || \
	  { npm ci --no-audit --no-fund --loglevel=error && cp package-lock.json node_modules/.installed-lock; }

tools:
	@build/tools.sh

browser:
	@build/tools.sh browser

socketio-client:
	@build/tools.sh socketio
