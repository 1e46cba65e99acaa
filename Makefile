# make run and make test need nothing but a Debian machine and root: what is missing they install.

BIN        := bin
CACHE      := .cache
VERSION    := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS    := -s -w -X main.version=$(VERSION)
LINT       := v2.15.0
NFPM       := v2.43.4
VULN       := v1.1.4
DIST       := dist
PLATFORMS  := linux/arm64 darwin/amd64 darwin/arm64
RELEASES   := linux/amd64 $(PLATFORMS)
export GOFLAGS := -buildvcs=false
export PATH := $(abspath $(CACHE))/bin:$(PATH)

.PHONY: vuln run build test lint vet cross unit bench fuzz dist clean go-tool test-tools

# make run PORT=9000 takes another port. A PORT of the environment is meant for other programs.
run: build ## build and serve a demo app on 127.0.0.1:8080
	$(BIN)/reverbd --dev $(if $(findstring command,$(origin PORT)),--port $(PORT))

build: go-tool ## bin/reverbd
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN)/ ./cmd/...

test: test-tools lint vet cross unit ## everything CI runs

lint: $(CACHE)/golangci-lint-$(LINT)
	$< run ./...

vet: go-tool
	go vet ./...

cross: go-tool ## the platforms that reverbd is built for
	@export CGO_ENABLED=0; for p in $(PLATFORMS); do \
		export GOOS=$${p%/*} GOARCH=$${p#*/}; \
		echo "GOOS=$$GOOS GOARCH=$$GOARCH go build ./... && go vet ./..."; \
		go build ./... && go vet ./... || exit 1; \
	done

unit: go-tool test-tools ## unit and end-to-end tests, with the race detector
	go test -race -shuffle=on -timeout 40m ./...
	go test -race -tags faults -run PanicUnderStripe ./broadcast

cluster-model: go-tool test-tools ## the model of a cluster for a minute with each of 20 seeds
	for seed in $$(seq 20); do go test ./e2e -run ClusterModel -seed $$seed -duration 60s || exit 1; done

bench: go-tool ## benchmarks of the hot functions, for benchstat
	go test -run '^$$' -bench . -benchmem -count 6 ./protocol/... ./broadcast ./apps ./eventloop

FUZZTIME ?= 60s
fuzz: go-tool ## every fuzz target for FUZZTIME
	@go list ./... | while read p; do \
		go test -list '^Fuzz' $$p | grep '^Fuzz' | while read f; do \
			echo "$$p $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$p || exit 1; \
		done || exit 1; \
	done

vuln: go-tool ## known vulnerabilities in what the programs use; needs Go's vulnerability database, so that CI does not run it
	go run golang.org/x/vuln/cmd/govulncheck@$(VULN) ./...

dist: $(CACHE)/nfpm-$(NFPM) ## archives and Debian packages of RELEASES, in dist
	LDFLAGS='$(LDFLAGS)' NFPM=$(abspath $<) .ci/dist $(DIST) $(VERSION) $(RELEASES)

clean:
	rm -rf $(BIN) $(CACHE) dist e2e/js/node_modules

go-tool:
	@.ci/install go

test-tools: go-tool
	@.ci/install test

$(CACHE)/golangci-lint-$(LINT): | go-tool
	@mkdir -p $(CACHE)
	GOBIN=$(abspath $(CACHE)) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT)
	@mv $(CACHE)/golangci-lint $@

# The Debian packager. Its later versions need a module that the Go module proxy does not have.
$(CACHE)/nfpm-$(NFPM): | go-tool
	@mkdir -p $(CACHE)
	GOBIN=$(abspath $(CACHE)) go install github.com/goreleaser/nfpm/v2/cmd/nfpm@$(NFPM)
	@mv $(CACHE)/nfpm $@
