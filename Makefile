# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0

# A thin front: sets the machine up, configures, builds, and does what the target says. Everything behind it is CMake.
#
#   make bench        1D convolution and deconvolution, all passes, in oneDNN's benchdnn: brdnn beside the built-in,
#                     in a few minutes
#   make bench-full   the same, all cases
#   make test         all tests; those with PyTorch and ONNX Runtime where a Debian 13 root can be made for them
#   make frameworks   these only
#   make bench-frameworks   layers of 1D networks in PyTorch and ONNX Runtime, this library beside the distribution's
#   make bench-training     training steps of a genomics network, likewise
#
#   BUILD=<folder>           build folder
#   ONEDNN_SOURCE=<folder>   an oneDNN checkout of your own, left unchanged; otherwise 3.7.2 is fetched
#   BENCH_ARGS=<options>     for bench/compare.py, frameworks/bench_layers.py or frameworks/bench_training.py
#   PRECISION=<name>         for all bench targets: f32, bf16 (tensors), or f32 tensors multiplied as three parts of
#                            bf16 (amx), as TF32 (tf32) or as bf16 (bf16math); default f32, bench-training f32 and bf16
#   STEPS=3                  for bench-training: fewer steps
#   PYTHON=<program>         a Python with matplotlib, numpy, tabulate and tqdm; otherwise Debian's

BUILD ?= build
export PYTHON ?= /usr/bin/python3

# Runs a command where PyTorch and ONNX Runtime are.
in_frameworks = build=$$(cd '$(BUILD)' && pwd) && BRDNN_BIND="$$build$${BRDNN_BIND:+:$$BRDNN_BIND}" sh frameworks/run.sh /usr/bin/python3

precision = $(if $(PRECISION),--precision $(PRECISION))

.PHONY: build bench bench-full test frameworks bench-frameworks bench-training

build:
	@sh cmake/setup.sh
	@$(if $(ONEDNN_SOURCE),,sh cmake/fetch_onednn.sh >/dev/null)
	@CMAKE_GENERATOR=Ninja cmake -S . -B '$(BUILD)' $(if $(ONEDNN_SOURCE),-DBRDNN_ONEDNN_SOURCE='$(ONEDNN_SOURCE)')
	@cmake --build '$(BUILD)'

bench: build
	@$(PYTHON) bench/compare.py --benchdnn '$(BUILD)/bin/benchdnn' --quick $(precision) $(BENCH_ARGS)

bench-full: build
	@$(PYTHON) bench/compare.py --benchdnn '$(BUILD)/bin/benchdnn' $(precision) $(BENCH_ARGS)

test: build
	@ctest --test-dir '$(BUILD)' --output-on-failure --parallel "$$(nproc)"
	@sh frameworks/test.sh '$(BUILD)' || [ $$? -eq 77 ]

frameworks: build
	@sh frameworks/test.sh '$(BUILD)'

bench-frameworks: build
	@$(in_frameworks) frameworks/bench_layers.py --library "$$build/lib" $(precision) $(BENCH_ARGS)

bench-training: build
	@$(in_frameworks) frameworks/bench_training.py --library "$$build/lib" \
	    $(precision) $(if $(STEPS),--steps $(STEPS)) $(BENCH_ARGS)
