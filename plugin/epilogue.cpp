// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

#include "epilogue.hpp"

#include <algorithm>

#include "common/primitive.hpp"
#include "common/type_helpers.hpp"

#include "formats.hpp"

namespace dnnl {
namespace impl {
namespace cpu {
namespace x64 {
namespace brdnn {

static const char *check_post_op(
        const post_ops_t::entry_t &entry, const memory_desc_t &dst, cpu_isa_t isa) {
    if (entry.is_sum(false, false)) {
        const bool is_of_dst = utils::one_of(entry.sum.dt, data_type::undef, dst.data_type);
        return is_of_dst && entry.sum.zero_point == 0
                ? nullptr
                : "a sum post-op of another data type or with a zero point";
    }
    if (entry.is_eltwise())
        return eltwise_injector::is_supported(isa, entry.eltwise.alg, data_type::f32)
                ? nullptr
                : "an element-wise post-op that the injector lacks";
    if (entry.is_prelu()) return nullptr;
    if (!entry.is_binary()) return "a post-op other than sum, eltwise, binary and prelu";
    if (entry.binary.alg == alg_kind::binary_select) return "a select post-op";
    return check_operand(entry.binary.src1_desc, dst);
}

const char *check_post_ops(const post_ops_t &post_ops, const memory_desc_t &dst, cpu_isa_t isa) {
    for (const auto &entry : post_ops.entry_)
        if (const char *const declined = check_post_op(entry, dst, isa)) return declined;
    return nullptr;
}

brdnn_conv_finish finish_of(bool with_bias, const post_ops_t &post_ops) {
    if (post_ops.len() > 0) return BRDNN_CALLBACK;
    return with_bias ? BRDNN_ADD_BIAS : BRDNN_STORE;
}

epilogue_conf_t epilogue_conf(const brdnn_conv_problem &problem, bool with_bias,
        const post_ops_t &post_ops, const memory_desc_t &dst, cpu_isa_t isa) {
    epilogue_conf_t conf;
    conf.isa = isa;
    conf.layout = problem.layout;
    conf.dst = problem.pass == BRDNN_FORWARD ? problem.dst : problem.src;
    conf.with_bias = with_bias;
    conf.bias_type = problem.bias_type;
    conf.operands = operands_of(post_ops, dst, problem.layout, isa);
    return conf;
}

static dim_t size_of(brdnn_type type) {
    return static_cast<dim_t>(types::data_type_size(onednn_type(type)));
}

static row_operand_t row_in_place(const operand_t &operand, brdnn_layout layout) {
    const bool varies = operand.stride_along_row(layout) == 1;
    row_operand_t row;
    row.along_row = varies ? along_row_t::varies : along_row_t::constant;
    row.data_type = operand.data_type;
    row.row_stride_bytes
            = operand.stride_between_rows(layout) * types::data_type_size(operand.data_type);
    row.is_padded = false;
    return row;
}

static row_operand_t bias_row(const epilogue_conf_t &conf) {
    const data_type_t type = onednn_type(conf.bias_type);
    if (!conf.with_bias) return {along_row_t::absent, type, 0, false};
    if (conf.layout == BRDNN_NWC) return {along_row_t::varies, type, 0, false};
    return {along_row_t::constant, type, size_of(conf.bias_type), false};
}

static epilogue_kernel_conf_t kernel_conf(const epilogue_conf_t &conf, const post_ops_t &post_ops) {
    // Where there are copies, each call of the kernel has a single row.
    const row_operand_t copied_row = {along_row_t::varies, data_type::f32, 0, true};
    epilogue_kernel_conf_t kernel;
    kernel.post_ops = post_ops.entry_;
    for (const auto &operand : conf.operands)
        kernel.operands.push_back(
                operand.is_copied ? copied_row : row_in_place(operand, conf.layout));
    kernel.bias = bias_row(conf);
    kernel.dst_type = onednn_type(conf.dst.type);
    kernel.dst_pitch_bytes = conf.dst.pitch * size_of(conf.dst.type);
    return kernel;
}

bool copies_operands(const epilogue_conf_t &conf) {
    return std::any_of(conf.operands.begin(), conf.operands.end(),
            [](const operand_t &operand) { return operand.is_copied; });
}

epilogue_t::epilogue_t(const epilogue_conf_t &conf, const post_ops_t &post_ops)
    : conf_(conf), copies_operands_(copies_operands(conf)),
      kernel_(make_epilogue_kernel(conf.isa, kernel_conf(conf, post_ops))) {}

status_t epilogue_t::start(run_t &run, const exec_ctx_t &ctx, void *dst, const void *bias) const {
    run.epilogue = this;
    run.dst = static_cast<char *>(dst);
    run.bias = static_cast<const char *>(bias);
    if (!dst || (conf_.with_bias && !bias)) return status::invalid_arguments;
    for (const auto &operand : conf_.operands) {
        run.operands.push_back(CTX_IN_MEM(const char *, operand.argument));
        if (!run.operands.back()) return status::invalid_arguments;
    }
    return status::success;
}

void epilogue_t::callback(void *context, const brdnn_conv_tile *tile) {
    const auto &run = *static_cast<const run_t *>(context);
    if (run.epilogue->copies_operands_) run.epilogue->finish_in_pieces(run, *tile);
    else run.epilogue->finish(run, *tile);
}

/// Elements of a row for which copies of operands are made at a time; whole vectors.
static constexpr dim_t piece_length = 64;

/// Cuts a tile into tiles of one row and at most piece_length elements.
void epilogue_t::finish_in_pieces(const run_t &run, const brdnn_conv_tile &tile) const {
    const bool ncw = conf_.layout == BRDNN_NCW;
    const dim_t rows = ncw ? tile.channels : tile.positions;
    const dim_t length = ncw ? tile.positions : tile.channels;
    brdnn_conv_tile piece = tile;
    dim_t &row = ncw ? piece.channel : piece.position,
          &in_row = ncw ? piece.position : piece.channel;
    dim_t &row_count = ncw ? piece.channels : piece.positions;
    dim_t &in_row_count = ncw ? piece.positions : piece.channels;
    const dim_t first_row = row, first_in_row = in_row;
    row_count = 1;
    for (dim_t r = 0; r < rows; ++r)
        for (dim_t i = 0; i < length; i += piece_length) {
            piece.acc = tile.acc + r * tile.ld + i;
            row = first_row + r;
            in_row = first_in_row + i;
            in_row_count = std::min(piece_length, length - i);
            finish(run, piece);
        }
}

void epilogue_t::finish(const run_t &run, const brdnn_conv_tile &tile) const {
    const bool ncw = conf_.layout == BRDNN_NCW;
    const dim_t row_length = ncw ? tile.positions : tile.channels;
    const void *operands[post_ops_t::post_ops_limit];
    float copies[post_ops_t::post_ops_limit][piece_length];
    for (size_t i = 0; i < conf_.operands.size(); ++i) {
        const operand_t &operand = conf_.operands[i];
        if (operand.is_copied) {
            copy_along_row(copies[i], operand, run.operands[i], conf_.layout, tile.n, tile.channel,
                    tile.position, row_length);
            operands[i] = copies[i];
        } else {
            operands[i] = run.operands[i]
                    + operand.offset(tile.n, tile.channel, tile.position)
                            * types::data_type_size(operand.data_type);
        }
    }

    epilogue_kernel_args_t args;
    args.acc = tile.acc;
    args.acc_pitch_bytes = tile.ld * sizeof(float);
    args.dst = dst_of(run, tile);
    args.bias = conf_.with_bias ? run.bias + tile.channel * size_of(conf_.bias_type) : nullptr;
    args.operands = operands;
    args.rows = ncw ? tile.channels : tile.positions;
    args.row_length = row_length;
    args.zero = 0;
    (*kernel_)(&args);
}

char *epilogue_t::dst_of(const run_t &run, const brdnn_conv_tile &tile) const {
    const bool ncw = conf_.layout == BRDNN_NCW;
    const dim_t row = ncw ? tile.channel : tile.position,
                in_row = ncw ? tile.position : tile.channel;
    const dim_t element = tile.n * conf_.dst.mb_stride + row * conf_.dst.pitch + in_row;
    return run.dst + element * size_of(conf_.dst.type);
}

} // namespace brdnn
} // namespace x64
} // namespace cpu
} // namespace impl
} // namespace dnnl
