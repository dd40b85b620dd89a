# SPDX-License-Identifier: MIT
#
# The front door. Meson does the work; each kind of build has a directory of
# its own. `make help` lists what there is.

MESON = meson setup
NINJA = ninja

# $(call build,DIRECTORY,COMPILER,OPTIONS): set up once, then build
define build
@test -f $(1)/build.ninja || CC=$(2) $(MESON) $(3) $(1)
@$(NINJA) -C $(1)
endef

CC = cc

.PHONY: all
all: deps ## build build/ (gcc, optimised, with debug checks)
	$(call build,build,$(CC),)

.PHONY: deps
deps:
	@scripts/deps build

.PHONY: check
check: all ## everything that needs no privilege; ends with "N passed, N failed"
	@scripts/run-tests build --timeout-multiplier 3

.PHONY: run
run: all ## the demonstrations: the library, /dev/iommu, emulated devices (FILE=path: that file)
	@scripts/demo build $(FILE)

# Benchmarks are not run under sanitizers; what is quick to compile is quick
# enough to run.
NO_BENCH = -Dbench=false -Doptimization=1
# What is looked at elsewhere need not be built.
NO_COMMAND = -Dcommand=false

.PHONY: asan
asan: deps ## the tests with address and undefined-behaviour sanitizers
	$(call build,build-asan,$(CC),$(NO_BENCH) -Db_lundef=false \
		-Db_sanitize=address$(comma)undefined \
		-Dc_args=-fno-sanitize-recover=all)
	@scripts/run-tests build-asan --timeout-multiplier 8 --no-suite races \
		--no-suite style --no-suite link --no-suite tables
comma := ,

.PHONY: tsan
tsan: deps ## tests with several threads, with the thread sanitizer
	$(call build,build-tsan,$(CC),$(NO_BENCH) $(NO_COMMAND) -Db_lundef=false -Db_sanitize=thread \
		-Dc_args=-Wno-tsan)
	@scripts/run-tests --no-aslr build-tsan --timeout-multiplier 8 \
		--suite threads --suite concurrency --no-suite races

.PHONY: clang
clang: deps ## the build and its tests with clang and its thread-safety analysis
	@scripts/deps clang
	$(call build,build-clang,clang,-Dbench=false)
	@scripts/run-tests build-clang --timeout-multiplier 3 $(CLANG_SUITES)
CLANG_SUITES = --suite unit --suite style --suite link

.PHONY: cov
cov: deps ## line and branch coverage of core, pt, domain and uapi, and what is not covered
	@scripts/deps cov
	$(call build,build-cov,$(CC),$(NO_BENCH) $(NO_COMMAND) -Db_coverage=true \
		-Dc_args=-fprofile-update=atomic)
	@find build-cov -name '*.gcda' -delete
	@status=0; scripts/run-tests build-cov --timeout-multiplier 8 \
		--suite unit --suite fail_nth --suite fuzz \
		--suite examples --no-suite races || status=1; \
	build-cov/tests/pt/pt_model --seed 1 --ops 40000 --allow-missing \
		>/dev/null || status=1; \
	build-cov/tests/model --seed 1 --ops 20000 --allow-missing \
		>/dev/null || status=1; \
	build-cov/tests/uapi_model --seed 1 --ops 20000 --allow-missing \
		>/dev/null || status=1; \
	for room in core pt domain uapi; do \
		scripts/coverage build-cov src/$$room || status=1; \
	done; exit $$status

.PHONY: fuzz
fuzz: deps ## fuzz targets, a minute altogether (FUZZ_SECONDS=60 FUZZ_TARGETS=)
	@scripts/deps clang
	@test -f build-fuzz/build.ninja || CC=clang $(MESON) -Dfuzz=true \
		-Db_lundef=false -Db_sanitize=address$(comma)undefined \
		-Dc_args=-fno-sanitize-recover=all build-fuzz
	@$(NINJA) -C build-fuzz fuzz
	@scripts/fuzz build-fuzz $(FUZZ_SECONDS) $(FUZZ_TARGETS)
FUZZ_SECONDS = 60
FUZZ_TARGETS =

.PHONY: cross
cross: deps ## the core and page tables on big-endian and 32-bit machines (qemu)
	@scripts/deps cross
	@scripts/cross $(CROSS_ARGS)
CROSS_ARGS =

.PHONY: qemu
qemu: all ## QEMU starts a machine from the emulated NVMe disk (x86-64)
	@scripts/deps qemu
	@scripts/guest-kernel build/tests/qemu/vmlinuz
	@scripts/run-tests build --suite qemu

.PHONY: mutants
mutants: deps ## how many small faults in the core the tests notice
	@scripts/mutants

BENCH_OPTIONS = --buildtype=release -Doptimization=2 -Db_ndebug=true \
	-Ddebug_checks=disabled -Dtests=false

.PHONY: bench
bench: deps ## all benchmarks: tables, and build-bench/bench.json (release build)
	$(call build,build-bench,$(CC),$(BENCH_OPTIONS))
	@scripts/bench build-bench $(if $(BENCH_ARGS),-- $(BENCH_ARGS))

.PHONY: bench-core
bench-core: deps ## the benchmarks of the core alone
	$(call build,build-bench,$(CC),$(BENCH_OPTIONS))
	@scripts/bench build-bench core $(if $(BENCH_ARGS),-- $(BENCH_ARGS))

.PHONY: bench-uapi
bench-uapi: deps ## the benchmarks of the ABI alone
	$(call build,build-bench,$(CC),$(BENCH_OPTIONS))
	@scripts/bench build-bench uapi $(if $(BENCH_ARGS),-- $(BENCH_ARGS))

.PHONY: bench-run
bench-run: deps ## the benchmarks of the supervisor: what `ioas run` costs a program
	$(call build,build-bench,$(CC),$(BENCH_OPTIONS))
	@scripts/bench build-bench run $(if $(BENCH_ARGS),-- $(BENCH_ARGS))

.PHONY: bench-nvme
bench-nvme: deps ## the benchmarks of emulated devices: reads of an NVMe disk
	$(call build,build-bench,$(CC),$(BENCH_OPTIONS))
	@scripts/bench build-bench nvme $(if $(BENCH_ARGS),-- $(BENCH_ARGS))

.PHONY: bench-pt
bench-pt: deps ## the benchmarks of page tables and of views
	$(call build,build-bench,$(CC),$(BENCH_OPTIONS))
	@scripts/bench build-bench pt $(if $(BENCH_ARGS),-- $(BENCH_ARGS))

.PHONY: install
install: deps ## release build, installed (PREFIX=/usr/local, DESTDIR=)
	$(call build,build-release,$(CC),--buildtype=release -Dtests=false \
		-Dbench=false -Dexamples=false $(if $(PREFIX),--prefix=$(PREFIX)))
	@DESTDIR=$(DESTDIR) meson install -C build-release --no-rebuild

.PHONY: format-check
format-check: ## what clang-format would change; changes nothing
	@scripts/deps format
	@clang-format --dry-run $$(git ls-files '*.c' '*.h')

.PHONY: clean
clean: ## remove every build directory
	rm -rf build build-asan build-tsan build-clang build-cov build-bench \
		build-release build-fuzz build-mutants build-cross

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 16
