# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0

# The one list of sources: the static library is built from the first, oneDNN with the plugin from both.

cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH BRDNN_ROOT)

# C11, nothing of oneDNN in it.
set(BRDNN_CORE_SOURCES
    src/api.c
    src/brgemm/amx.c
    src/brgemm/brgemm.c
    src/brgemm/kernels.c
    src/brgemm/libxsmm.c
    src/brgemm/register_tile.c
    src/conv/cache.c
    src/conv/data_blocking.c
    src/conv/data_plan.c
    src/conv/data_run.c
    src/conv/data_schedule.c
    src/conv/geometry.c
    src/conv/kernels_of.c
    src/conv/problem.c
    src/conv/weights_blocking.c
    src/conv/weights_plan.c
    src/conv/weights_run.c
    src/conv/weights_store.c
    src/conv/weights_tiles.c
    src/finish/bias.c
    src/finish/merge_branches.c
    src/pack/elements.c
    src/pack/exponent_range.c
    src/pack/positions.c
    src/pack/src.c
    src/pack/strided_copy.c
    src/pack/transpose.c
    src/pack/vnni.c
    src/pack/vnni_positions.c
    src/pack/vnni_terms.c
    src/pack/wei.c)

# C++, compiled within oneDNN.
set(BRDNN_PLUGIN_SOURCES
    plugin/caches.cpp
    plugin/epilogue.cpp
    plugin/epilogue_kernel.cpp
    plugin/execution.cpp
    plugin/formats.cpp
    plugin/implementation.cpp
    plugin/negotiation.cpp
    plugin/operands.cpp
    plugin/policy.cpp
    plugin/register.cpp
    plugin/roles.cpp
    plugin/settings.cpp)

list(TRANSFORM BRDNN_CORE_SOURCES PREPEND "${BRDNN_ROOT}/")
list(TRANSFORM BRDNN_PLUGIN_SOURCES PREPEND "${BRDNN_ROOT}/")
