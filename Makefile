# SPDX-FileCopyrightText: 2026 The brconv1d authors
# SPDX-License-Identifier: Apache-2.0

# A thin front: sets the machine up, configures, builds, and does what the target says. Everything behind it is CMake.
#
#   make bench        1D convolution and deconvolution, all passes, in oneDNN's benchdnn: brconv1d beside the built-in,
#                     in a few minutes
#   make bench-full   the same, all cases
#   make test         all tests
#
#   BUILD=<folder>           build folder
#   ONEDNN_SOURCE=<folder>   an oneDNN checkout of your own, left unchanged; otherwise 3.7.2 is fetched
#   BENCH_ARGS=<options>     for bench/compare.py
#   PYTHON=<program>         a Python with matplotlib, numpy, tabulate and tqdm; otherwise Debian's

BUILD ?= build
export PYTHON ?= /usr/bin/python3

.PHONY: build bench bench-full test

build:
	@sh cmake/setup.sh
	@$(if $(ONEDNN_SOURCE),,sh cmake/fetch_onednn.sh >/dev/null)
	@CMAKE_GENERATOR=Ninja cmake -S . -B '$(BUILD)' $(if $(ONEDNN_SOURCE),-DBRCONV1D_ONEDNN_SOURCE='$(ONEDNN_SOURCE)')
	@cmake --build '$(BUILD)'

bench: build
	@$(PYTHON) bench/compare.py --benchdnn '$(BUILD)/bin/benchdnn' --quick $(BENCH_ARGS)

bench-full: build
	@$(PYTHON) bench/compare.py --benchdnn '$(BUILD)/bin/benchdnn' $(BENCH_ARGS)

test: build
	@ctest --test-dir '$(BUILD)' --output-on-failure
