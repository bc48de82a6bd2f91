# SPDX-FileCopyrightText: 2026 The brconv1d authors
# SPDX-License-Identifier: Apache-2.0

# The one list of sources: the static library is built from the first, oneDNN with the plugin from both.

cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH BRCONV1D_ROOT)

# C11, nothing of oneDNN in it.
set(BRCONV1D_CORE_SOURCES
    src/bias.c
    src/blocking.c
    src/brgemm_libxsmm.c
    src/forward.c
    src/plan.c
    src/problem.c
    src/schedule.c
    src/src_packing.c
    src/wei_packing.c)

# C++, compiled within oneDNN.
set(BRCONV1D_PLUGIN_SOURCES
    plugin/epilogue.cpp
    plugin/epilogue_kernel.cpp
    plugin/formats.cpp
    plugin/forward.cpp
    plugin/operands.cpp
    plugin/policy.cpp
    plugin/problem.cpp
    plugin/register.cpp
    plugin/settings.cpp)

list(TRANSFORM BRCONV1D_CORE_SOURCES PREPEND "${BRCONV1D_ROOT}/")
list(TRANSFORM BRCONV1D_PLUGIN_SOURCES PREPEND "${BRCONV1D_ROOT}/")
