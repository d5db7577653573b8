# Every command a person runs. The work stands in deploy/dev; this is not a build system.
# One cargo at a time, so no -j: one compiler of the AWS SDK takes 8 GiB.
.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help dev demo check test build bench-api bench-network bench-watch bench-sim clean-data

help: ## Print this
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

dev: ## Run the suite with simulated clouds on this machine; Ctrl-C stops it
	@deploy/dev/dev

demo: ## Walk through the whole life of an AWS and of a GCP peering, every command shown
	@deploy/dev/demo

check: ## Formats, lints, contracts, licences: what needs no running
	@deploy/dev/check

test: ## Install what the tests need, check, build, run all tests
	@deploy/dev/test

build: ## Build all programs
	cargo build --workspace --bins --locked

bench-api: ## Measure creates, detection and idle memory, in release
	@deploy/dev/bench api

bench-network: ## Measure address space and lists among 100,000 networks, in release
	@deploy/dev/bench network

bench-watch: ## Measure a thousand watchers, idle and told 10,000 events each, in release
	@deploy/dev/bench watch

bench-sim: ## Plant each fault until it is found, then run 100,000 simulated worlds, in release
	@cargo run --release --locked -p sim -- --bugs
	@cargo run --release --locked -p sim -- --seeds 100000

clean-data: ## Remove what make dev keeps; refuses while it runs
	@deploy/dev/dev --clean
