// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// @file epilogue.hpp
/// Bias and post-operations, applied to each tile as the core hands it over (brdnn_conv_epilogue).

#ifndef BRDNN_PLUGIN_EPILOGUE_HPP
#define BRDNN_PLUGIN_EPILOGUE_HPP

#include <memory>
#include <vector>

#include "brdnn.h"

#include "common/primitive_exec_types.hpp"

#include "epilogue_kernel.hpp"
#include "operands.hpp"

namespace dnnl {
namespace impl {
namespace cpu {
namespace x64 {
namespace brdnn {

/// What there is to do to a tile, known with the primitive descriptor. Here as in all that is about
/// post-operations, dst is what oneDNN calls so: what a forward pass computes.
struct epilogue_conf_t {
    cpu_isa_t isa; ///< of vectors
    brdnn_layout layout;
    brdnn_conv_tensor dst;
    bool with_bias;
    brdnn_type bias_type;
    std::vector<operand_t> operands;
};

/// Whether an operand of the chain is copied while it is used, which takes about a nanosecond per
/// element.
bool copies_operands(const epilogue_conf_t &conf);

/// nullptr where the chain can be applied, else why not.
const char *check_post_ops(const post_ops_t &post_ops, const memory_desc_t &dst, cpu_isa_t isa);

/// Who finishes tiles: the core where it can, else an epilogue.
brdnn_conv_finish finish_of(bool with_bias, const post_ops_t &post_ops);

/// What to do for a chain that check_post_ops() accepts.
epilogue_conf_t epilogue_conf(const brdnn_conv_problem &problem, bool with_bias,
        const post_ops_t &post_ops, const memory_desc_t &dst, cpu_isa_t isa);

/// Finishes tiles; immutable once init() succeeded.
class epilogue_t {
public:
    /// Pointers of one execution. All its threads read it.
    struct run_t {
        const epilogue_t *epilogue;
        char *dst;
        const char *bias;
        std::vector<const char *> operands; ///< base pointers
    };

    epilogue_t(const epilogue_conf_t &conf, const post_ops_t &post_ops);
    status_t init() { return kernel_->create_kernel(); }

    /// Fills in run for one execution.
    status_t start(run_t &run, const exec_ctx_t &ctx, void *dst, const void *bias) const;

    /// The brdnn_conv_epilogue: context is a run_t.
    static void callback(void *context, const brdnn_conv_tile *tile);

private:
    void finish_in_pieces(const run_t &run, const brdnn_conv_tile &tile) const;
    void finish(const run_t &run, const brdnn_conv_tile &tile) const;
    char *dst_of(const run_t &run, const brdnn_conv_tile &tile) const;

    const epilogue_conf_t conf_;
    const bool copies_operands_;
    const std::unique_ptr<compat::jit_generator_t> kernel_;
};

} // namespace brdnn
} // namespace x64
} // namespace cpu
} // namespace impl
} // namespace dnnl

#endif
