// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// @file settings.hpp
/// The environment variables that a user can set. Each is read once per process, because oneDNN's
/// primitive cache doesn't know them.

#ifndef BRDNN_PLUGIN_SETTINGS_HPP
#define BRDNN_PLUGIN_SETTINGS_HPP

namespace dnnl {
namespace impl {
namespace cpu {
namespace x64 {
namespace brdnn {

struct settings_t {
    bool enable;     ///< BRDNN_ENABLE=0: oneDNN's own list of implementations, untouched
    bool take_all;   ///< BRDNN_TAKE=all: never decline because a built-in may be faster
    bool f32_on_amx; ///< BRDNN_F32=amx: f32 that may not be rounded goes to AMX in bf16 splits
    bool verbose;    ///< BRDNN_VERBOSE=1: one line per primitive descriptor to stderr
};

const settings_t &settings();

} // namespace brdnn
} // namespace x64
} // namespace cpu
} // namespace impl
} // namespace dnnl

#endif
