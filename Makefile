# The developer's day. It needs git, Go, make, and Node with npm, by which the scripts and styles of the pages are built.

.DEFAULT_GOAL := help
.PHONY: help assets run demo test test-mongodb check fmt vet lint types stale contract modules race bench bench-go bench-mongodb gen build docker clean

DATA    := data
BIN     := $(DATA)/bin/balagh
PORT    ?= 8080
STORE   ?=
PHOTOS  ?=
ARGS    ?=
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo development)
TOOL    := go tool -modfile=tools/go.mod

# The same for tests, checks and the program: then each package is compiled once.
export CGO_ENABLED := 0
export GOFLAGS     := $(shell go env GOFLAGS) -trimpath

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# What pages load is built by Node and goes into the program: again when one of its sources is newer.
PAGES   := web/assets
ASSETS  := $(PAGES)/dist/page.js
SOURCES := $(PAGES)/build.mjs $(PAGES)/package-lock.json $(shell find $(PAGES)/src -type f)

assets: $(ASSETS) ## scripts, styles and fonts of the pages

$(ASSETS): $(SOURCES) | $(PAGES)/node_modules/.package-lock.json
	@node $(PAGES)/build.mjs && touch $@

$(PAGES)/node_modules/.package-lock.json: $(PAGES)/package-lock.json
	@command -v npm >/dev/null || { echo "the pages need Node.js 20 or newer with npm: https://nodejs.org"; exit 1; }
	@npm ci --prefix $(PAGES) --no-audit --no-fund --loglevel=error

run: build ## start the plain server for development on 127.0.0.1 (PORT=8080 STORE=uri ARGS=…)
	exec $(BIN) serve --dev --address=127.0.0.1:$(PORT) --store=$(or $(STORE),sqlite:$(DATA)/dev/balagh.db) $(ARGS)

demo: build ## play a contact centre with 300 citizens, then stay up (PHOTOS=folder PORT=8080 STORE=uri ARGS=…)
	exec $(BIN) demo --address=127.0.0.1:$(PORT) $(if $(STORE),--store=$(STORE)) $(if $(PHOTOS),--photos=$(PHOTOS)) $(ARGS)

# What tests of MongoDB need; storetest.WithoutMongoDB has the same sentence.
WITHOUT_MONGODB = the MongoDB half is left out; to have it: export BALAGH_TEST_MONGODB=$$(tools/documentdb up)

# Likewise those of object stores; photos/phototest has the same sentence.
WITHOUT_S3 = the S3 half is left out; to have it: export BALAGH_TEST_S3=$$(tools/s3 up)

test: assets ## run every test on SQLite, and those of store/mongo where there is a server for them
	go test -parallel 8 ./...
	@[ -n "$$BALAGH_TEST_MONGODB" ] || { echo '$(WITHOUT_MONGODB), and run make test-mongodb too'; [ -z "$$CI" ]; }
	@[ -n "$$BALAGH_TEST_S3" ] || { echo '$(WITHOUT_S3)'; [ -z "$$CI" ]; }

# The packages whose tests open a store by store/teststore.
ON_MONGODB = ./api ./cmd/balagh ./event ./push ./push/fcm ./surveys ./web

test-mongodb: assets ## run the tests that need a store once more, on the server of BALAGH_TEST_MONGODB
	@[ -n "$$BALAGH_TEST_MONGODB" ] || { echo '$(WITHOUT_MONGODB)'; exit 1; }
	BALAGH_TEST_STORE=mongodb go test -timeout 20m -parallel 8 $(ON_MONGODB)

check: fmt vet lint types stale contract modules race ## everything that CI asks of a change

fmt: ## the format of the code
	@out=$$(gofmt -l $$(git ls-files --cached --others --exclude-standard '*.go')); [ -z "$$out" ] || { echo "not formatted:"; echo "$$out"; exit 1; }

vet: ## go vet
	go vet ./...

lint: ## staticcheck
	$(TOOL) staticcheck ./...

types: assets ## the types of the scripts
	npx --prefix $(PAGES) tsc --noEmit -p $(PAGES)

GENERATED = api/gen docs/lifecycle.md docs/delivery.md
SUM       = find $(GENERATED) -type f 2>/dev/null | sort | xargs sha256sum

stale: ## the generated code is what `make gen` makes
	@before=$$($(SUM)); $(MAKE) -s gen; [ "$$before" = "$$($(SUM))" ] || { \
		echo "generated code was stale, it is fresh now; commit it:"; git status --short -- $(GENERATED); exit 1; }

contract: ## the linter of openapi.yaml; left out where there is no npm, but never in CI
	@if command -v npm >/dev/null; then \
		[ -d tools/node_modules/@redocly/cli ] || npm ci --prefix tools --no-audit --no-fund --loglevel=error; \
		REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true tools/node_modules/.bin/redocly lint openapi/openapi.yaml --config openapi/redocly.yaml; \
	elif [ -n "$$CI" ]; then echo "the contract linter needs npm"; exit 1; \
	else echo "no npm: the contract linter is left out"; fi

modules: ## the dependencies are whole, and none is missing or left over
	go mod verify
	go mod tidy -diff

# The packages of ours in which something runs beside something else. The tests of whole processes, and those of the SDKs of others,
# take as long again as all the rest. SQLite, which is C made Go and takes its locks where database/sql does too, is not instrumented: the
# tests are six times as fast for it.
RACE = ./accounts ./api ./daybook ./demo/standin ./event ./photos ./push ./push/email ./push/sms ./push/webpush ./reports ./store/sqlite ./surveys ./web

race: ## the tests with the race detector (RACE=./... for every package)
	CGO_ENABLED=1 go test -race -gcflags='modernc.org/...=-race=false' -parallel 4 $(RACE)

bench: build ## the numbers beside a bare Fiber handler, and those of surveys (ARGS='-only list -d 4s')
	go run ./bench -server $(BIN) $(ARGS)
	$(if $(findstring -only,$(ARGS)),,$(MAKE) -s bench-go)

BENCH_FIGURES ?= 200000
BENCH_PAGES ?= 100000

bench-go: ## the numbers that are asked of code by itself
	@echo; echo "asked: cold < 1 s, warm < 20 ms, 100,000 responses to 20 questions"
	go test ./surveys -run '^$$' -bench '^BenchmarkResults$$' -benchtime 5x
	@echo; echo "asked: < 10 s and < 200 MB, a sample of 10,000 out of 5,000,000 people"
	go test ./store/sqlite -run '^$$' -bench '^BenchmarkDrawRound$$' -benchtime 1x
	@echo; echo "asked: < 3 s, 20 margins of 10 levels over 1,000,000 rows to 1e-10"
	go test ./surveys/stats -run '^$$' -bench '^BenchmarkRake$$' -benchtime 1x
	@echo; echo "asked: p95 < 200 ms, volumes and deadlines of 1,000,000 reports of a year (here $(BENCH_FIGURES); BENCH_FIGURES=1000000 takes minutes to write them)"
	BENCH_FIGURES=$(BENCH_FIGURES) go test ./store/sqlite -run '^$$' -bench '^BenchmarkReports_Figures$$' -benchtime 100x
	@echo; echo "asked: p95 < 200 ms of each page of management, < 100 ms of the queue, first paint < 1 s, with 1,000,000 reports and 300,000 ratings (here $(BENCH_PAGES))"
	BENCH_PAGES=$(BENCH_PAGES) go test ./cmd/balagh -run '^$$' -bench '^BenchmarkPages$$' -benchtime 40x -timeout 2h

BENCH_REPORTS ?= 10000

bench-mongodb: build ## the numbers on the server of BALAGH_TEST_MONGODB, beside the raw driver (BENCH_REPORTS=1000000 BENCH_KEEP=1: an hour to fill, and kept)
	@[ -n "$$BALAGH_TEST_MONGODB" ] || { echo '$(WITHOUT_MONGODB)'; exit 1; }
	@echo "asked: 70 % of the raw driver for file, list, nearby and status change; 10,000 to 1,000,000 reports slower by less than 1.3 times"
	BENCH_REPORTS=$(BENCH_REPORTS) go test ./store/mongo -run '^$$' -bench '^BenchmarkReports_' -timeout 4h
	@echo; echo "asked: ahead of 686 files, 278 lists and 63 nearby a second, over HTTP"
	go run ./bench -server $(BIN) -store "$$BALAGH_TEST_MONGODB" -only file,list,nearby $(ARGS)

gen: ## generate api/gen from the contract, docs/lifecycle.md and docs/delivery.md from the tables
	go generate ./...
	go test ./reports -run '^TestLifecycle_Document$$' -count=1 -update
	go test ./push -run '^TestMoves_Document$$' -count=1 -update

build: assets ## one static program, in ./data/bin
	@mkdir -p $(dir $(BIN))
	go build -ldflags '-s -w -X main.version=$(VERSION)' -o $(BIN) ./cmd/balagh

docker: ## the container image balagh:VERSION
	docker build --build-arg VERSION=$(VERSION) -t balagh:$(VERSION) -t balagh:latest .

clean: ## remove everything that running wrote
	rm -rf $(DATA) $(PAGES)/dist/*
