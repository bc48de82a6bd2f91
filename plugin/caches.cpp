// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// @file caches.cpp
/// Sizes of caches for all of oneDNN. It asks CPUID alone, and some virtual machines leave that leaf empty;
/// then each cache seems to have 1 byte, built-in kernels are slow, and reorders lose values. The build
/// renames oneDNN's own platform::get_per_core_cache_size() (cmake/oneDNNPlugin.cmake); this one asks it
/// first and the system where the answer can't be true. It holds with the plugin switched off, too.

#include <atomic>
#include <cstdio>

#include "cpu/platform.hpp"

#include "brdnn.h"

#include "settings.hpp"

namespace dnnl {
namespace impl {
namespace cpu {
namespace platform {

/// oneDNN's own function, renamed.
unsigned get_builtin_per_core_cache_size(int level);

/// oneDNN's own answer; 1 where it says that there is no third level but knows no first either.
static unsigned builtin_bytes(int level) {
    const unsigned bytes = get_builtin_per_core_cache_size(level);
    const unsigned first = get_builtin_per_core_cache_size(1);
    return level == 3 && bytes == 0 && brdnn_cache_bytes(1, first) != first ? 1 : bytes;
}

static void tell_once(int level, unsigned reported, unsigned bytes) {
    static std::atomic<bool> told {false};
    if (!x64::brdnn::settings().verbose || told.exchange(true)) return;
    std::fprintf(stderr,
            "brdnn,info,CPUID gives %u bytes for the level %d cache: sizes of caches are the "
            "system's, here %u\n",
            reported, level, bytes);
}

unsigned get_per_core_cache_size(int level) {
    const unsigned reported = builtin_bytes(level);
    const auto bytes = static_cast<unsigned>(brdnn_cache_bytes(level, reported));
    if (bytes != reported) tell_once(level, reported, bytes);
    return bytes;
}

} // namespace platform
} // namespace cpu
} // namespace impl
} // namespace dnnl
