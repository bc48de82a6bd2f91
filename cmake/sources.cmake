# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0

# The one list of sources: the static library is built from the first, oneDNN with the plugin from both.

cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH BRDNN_ROOT)

# C11, nothing of oneDNN in it.
set(BRDNN_CORE_SOURCES
    src/backward_weights_blocking.c
    src/backward_weights_plan.c
    src/backward_weights_run.c
    src/bias.c
    src/brdnn.c
    src/brgemm.c
    src/brgemm_amx.c
    src/brgemm_libxsmm.c
    src/cache.c
    src/conversion.c
    src/correlation.c
    src/correlation_blocking.c
    src/correlation_plan.c
    src/correlation_run.c
    src/correlation_schedule.c
    src/guard.c
    src/interleave.c
    src/items.c
    src/magnitudes.c
    src/pair_positions.c
    src/pair_terms.c
    src/pairs.c
    src/problem.c
    src/progression.c
    src/src_packing.c
    src/tile.c
    src/wei_packing.c)

# C++, compiled within oneDNN.
set(BRDNN_PLUGIN_SOURCES
    plugin/caches.cpp
    plugin/epilogue.cpp
    plugin/epilogue_kernel.cpp
    plugin/execution.cpp
    plugin/formats.cpp
    plugin/negotiation.cpp
    plugin/operands.cpp
    plugin/policy.cpp
    plugin/provider.cpp
    plugin/register.cpp
    plugin/roles.cpp
    plugin/settings.cpp)

list(TRANSFORM BRDNN_CORE_SOURCES PREPEND "${BRDNN_ROOT}/")
list(TRANSFORM BRDNN_PLUGIN_SOURCES PREPEND "${BRDNN_ROOT}/")
