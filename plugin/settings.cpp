// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

#include "settings.hpp"

#include <cstring>

#include "common/utils.hpp"

namespace dnnl {
namespace impl {
namespace cpu {
namespace x64 {
namespace brdnn {

static bool is_set_to(const char *name, const char *value) {
    char buffer[16];
    return getenv(name, buffer, sizeof(buffer)) > 0 && !std::strcmp(buffer, value);
}

static settings_t read_environment() {
    settings_t settings;
    settings.enable = !is_set_to("BRDNN_ENABLE", "0");
    settings.take_all = is_set_to("BRDNN_TAKE", "all");
    settings.f32_on_amx = is_set_to("BRDNN_F32", "amx");
    settings.verbose = is_set_to("BRDNN_VERBOSE", "1");
    return settings;
}

const settings_t &settings() {
    static const settings_t settings = read_environment();
    return settings;
}

} // namespace brdnn
} // namespace x64
} // namespace cpu
} // namespace impl
} // namespace dnnl
