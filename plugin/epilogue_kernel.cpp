// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

#include "epilogue_kernel.hpp"

#include <cstddef>

#include "common/memory_desc.hpp"
#include "common/type_helpers.hpp"
#include "common/utils.hpp"

// oneDNN's binary injector finds an operand's element from the offset of dst and the descriptors of
// both, with divisions at run time, and only for layouts that it knows. Here the caller computes the
// operand's address for the first row, the kernel moves it from row to row, and the injector is
// shown a one-dimensional world of a single row: an operand is either one value (`scalar`
// broadcast) or a row itself (`no_broadcast`), whatever the real tensors look like.

namespace dnnl {
namespace impl {
namespace cpu {
namespace x64 {
namespace brdnn {

#define ARGUMENT(field) ptr[reg_args + offsetof(epilogue_kernel_args_t, field)]

/// A tensor of one dimension; any length but 1 stands for a whole row.
static memory_desc_t row_md(bool whole_row, data_type_t data_type) {
    const dims_t dims = {whole_row ? 2 : 1};
    memory_desc_t md;
    memory_desc_init_by_tag(md, 1, dims, data_type, format_tag::a);
    return md;
}

/// Replaces the operand of a binary or PReLU entry by its one-dimensional stand-in.
static void simplify(post_ops_t::entry_t &entry, const row_operand_t &operand) {
    const bool whole_row = operand.along_row == along_row_t::varies;
    if (entry.is_prelu()) entry.prelu.mask = whole_row ? 1 : 0;
    else entry.binary.src1_desc = row_md(whole_row, operand.data_type);
}

template <cpu_isa_t isa>
epilogue_kernel_t<isa>::epilogue_kernel_t(const epilogue_kernel_conf_t &conf)
    : compat::jit_generator_t(jit_name(), isa), conf_(conf), row_md_(row_md(true, data_type::f32)) {
    size_t operand = 0;
    for (auto &entry : conf_.post_ops)
        if (entry.is_like_binary()) simplify(entry, conf_.operands[operand++]);
    create_injectors();
    if (conf_.dst_type != data_type::bf16 || mayiuse(avx512_core_bf16)) return;
    const Xbyak::Zmm one(first_of_rounding), even(first_of_rounding + 1),
            selector(first_of_rounding + 2), rounded(first_of_rounding + 3);
    rounding_.reset(new bf16_emulation_t(this, one, even, selector, reg_tmp, rounded));
}

template <cpu_isa_t isa>
void epilogue_kernel_t<isa>::create_injectors() {
    const bool save_state = true, is_fwd = true, use_dst = false;
    const bool preserve_vmm = false, preserve_table = false;
    for (size_t i = 0; i < conf_.post_ops.size(); ++i) {
        const auto &entry = conf_.post_ops[i];
        if (!entry.is_eltwise()) continue;
        eltwise_.emplace(static_cast<int>(i),
                compat::eltwise_injector_t<isa, Vmm>(this, entry.eltwise, data_type::f32,
                        save_state, reg_table, eltwise_opmask, is_fwd, use_dst, preserve_vmm,
                        preserve_table));
    }
    if (conf_.operands.empty()) return;

    const bool preserve_gprs = false, exact_scalar_tail = false;
    const int some_tail = 1; // the real size is in reg_tail and tail_opmask
    const binary_injector::rhs_arg_static_params_t row_params(injector_vmm, reg_injector_address,
            reg_injector_helper, reg_injector_cache, preserve_gprs, preserve_vmm,
            offsetof(epilogue_kernel_args_t, operands), offsetof(epilogue_kernel_args_t, zero),
            memory_desc_wrapper(row_md_), some_tail, tail_opmask, reg_tail, exact_scalar_tail);
    const bcast_set_t broadcasts
            = {broadcasting_strategy_t::scalar, broadcasting_strategy_t::no_broadcast};
    binary_.reset(new compat::binary_injector_t<isa, Vmm>(
            this, binary_injector::static_params_t(reg_args, broadcasts, row_params)));
}

template <cpu_isa_t isa>
void epilogue_kernel_t<isa>::generate() {
    preamble();
    load_arguments();
    prepare_tail();
    if (rounding_) rounding_->init_vcvtneps2bf16();

    Xbyak::Label row;
    L(row);
    finish_row();
    next_row();
    dec(reg_rows);
    jnz(row, T_NEAR);
    postamble();

    for (auto &injector : eltwise_)
        injector.second.prepare_table();
    if (is_avx512) return;
    align(32);
    L(mask_table);
    for (int i = 0; i < 2 * lanes; ++i)
        dd(i < lanes ? 0xffffffff : 0);
}

template <cpu_isa_t isa>
void epilogue_kernel_t<isa>::load_arguments() {
    mov(reg_acc, ARGUMENT(acc));
    mov(reg_dst, ARGUMENT(dst));
    mov(reg_bias, ARGUMENT(bias));
    mov(reg_rows, ARGUMENT(rows));
}

/// Sets reg_tail, and the mask of its lanes: an opmask, or a pointer into the table.
template <cpu_isa_t isa>
void epilogue_kernel_t<isa>::prepare_tail() {
    mov(reg_tail, ARGUMENT(row_length));
    and_(reg_tail, lanes - 1);
    if (is_avx512) {
        mov(rcx, reg_tail);
        mov(reg_tail_mask, 1);
        shl(reg_tail_mask, cl);
        dec(reg_tail_mask);
        kmovw(tail_opmask, reg_tail_mask.cvt32());
    } else {
        lea(reg_tail_mask, ptr[rip + mask_table]);
        add(reg_tail_mask, vlen);
        lea(reg_tmp, ptr[reg_tail * sizeof(float)]);
        sub(reg_tail_mask, reg_tmp);
    }
}

template <cpu_isa_t isa>
void epilogue_kernel_t<isa>::finish_row() {
    xor_(reg_offset, reg_offset);
    xor_(reg_offset_bf16, reg_offset_bf16);
    mov(reg_left, ARGUMENT(row_length));
    for (int count = largest_group; count >= 1; count /= 2)
        whole_vectors(count);

    Xbyak::Label done;
    test(reg_tail, reg_tail);
    jz(done, T_NEAR);
    finish_vectors(1, true);
    L(done);
}

/// Finishes `count` vectors at a time while the row has that many whole ones left.
template <cpu_isa_t isa>
void epilogue_kernel_t<isa>::whole_vectors(int count) {
    Xbyak::Label again, done;
    L(again);
    cmp(reg_left, count * lanes);
    jl(done, T_NEAR);
    finish_vectors(count, false);
    add(reg_offset, count * vlen);
    add(reg_offset_bf16, count * vlen / 2);
    sub(reg_left, count * lanes);
    jmp(again, T_NEAR);
    L(done);
}

template <cpu_isa_t isa>
void epilogue_kernel_t<isa>::next_row() {
    mov(reg_tmp, ARGUMENT(acc_pitch_bytes));
    add(reg_acc, reg_tmp);
    move_pointer(reg_dst, conf_.dst_pitch_bytes);
    move_pointer(reg_bias, conf_.bias.row_stride_bytes);
    if (conf_.operands.empty()) return;
    mov(reg_injector_address, ARGUMENT(operands));
    for (size_t i = 0; i < conf_.operands.size(); ++i)
        move_pointer(qword[reg_injector_address + i * sizeof(void *)],
                conf_.operands[i].row_stride_bytes);
}

template <cpu_isa_t isa>
void epilogue_kernel_t<isa>::move_pointer(const Xbyak::Operand &pointer, dim_t bytes) {
    if (bytes == 0) return;
    mov(reg_tmp, bytes);
    add(pointer, reg_tmp);
}

template <cpu_isa_t isa>
void epilogue_kernel_t<isa>::finish_vectors(int count, bool tail) {
    load_sums(count, tail);
    add_bias(count, tail);
    apply_post_ops(count, tail);
    store(count, tail);
}

template <cpu_isa_t isa>
Xbyak::Address epilogue_kernel_t<isa>::element(const Xbyak::Reg64 &row, int index) {
    return ptr[row + reg_offset + index * vlen];
}

template <cpu_isa_t isa>
Xbyak::Address epilogue_kernel_t<isa>::element_bf16(const Xbyak::Reg64 &row, int index) {
    return ptr[row + reg_offset_bf16 + index * vlen / 2];
}

template <cpu_isa_t isa>
void epilogue_kernel_t<isa>::load_tail_mask() {
    if (!is_avx512) vmovups(vmm_tail_mask, ptr[reg_tail_mask]);
}

/// Loads a vector as f32; lanes beyond the tail become 0 and their memory isn't touched.
template <cpu_isa_t isa>
void epilogue_kernel_t<isa>::load(
        const Vmm &vmm, const Xbyak::Reg64 &row, data_type_t data_type, int index, bool tail) {
    if (data_type == data_type::bf16) load_bf16(vmm, row, index, tail);
    else load_f32(vmm, row, index, tail);
}

template <cpu_isa_t isa>
void epilogue_kernel_t<isa>::load_bf16(
        const Vmm &vmm, const Xbyak::Reg64 &row, int index, bool tail) {
    if (tail) vpmovzxwd(vmm | tail_opmask | T_z, element_bf16(row, index));
    else vpmovzxwd(vmm, element_bf16(row, index));
    vpslld(vmm, vmm, 16);
}

/// Loads one element as f32 into all lanes.
template <cpu_isa_t isa>
void epilogue_kernel_t<isa>::broadcast(
        const Vmm &vmm, const Xbyak::Reg64 &pointer, data_type_t data_type) {
    if (data_type == data_type::bf16) {
        vpbroadcastw(vmm, ptr[pointer]);
        vpslld(vmm, vmm, 16);
    } else {
        vbroadcastss(vmm, ptr[pointer]);
    }
}

template <cpu_isa_t isa>
void epilogue_kernel_t<isa>::load_f32(
        const Vmm &vmm, const Xbyak::Reg64 &row, int index, bool tail) {
    if (!tail) {
        vmovups(vmm, element(row, index));
    } else if (is_avx512) {
        vmovups(vmm | tail_opmask | T_z, element(row, index));
    } else {
        load_tail_mask();
        vmaskmovps(vmm, vmm_tail_mask, element(row, index));
    }
}

template <cpu_isa_t isa>
void epilogue_kernel_t<isa>::load_sums(int count, bool tail) {
    for (int i = 0; i < count; ++i)
        load_f32(sum(i), reg_acc, i, tail);
}

template <cpu_isa_t isa>
void epilogue_kernel_t<isa>::add_bias(int count, bool tail) {
    if (conf_.bias.along_row == along_row_t::absent) return;
    const bool varies = conf_.bias.along_row == along_row_t::varies;
    if (!varies) broadcast(vmm_loaded, reg_bias, conf_.bias.data_type);
    for (int i = 0; i < count; ++i) {
        if (varies) load(vmm_loaded, reg_bias, conf_.bias.data_type, i, tail);
        vaddps(sum(i), sum(i), vmm_loaded);
    }
}

template <cpu_isa_t isa>
void epilogue_kernel_t<isa>::apply_post_ops(int count, bool tail) {
    injector_utils::vmm_index_set_t vectors;
    binary_injector::rhs_arg_dynamic_params_t whole;
    whole.tail_load_mode = binary_injector::tail_lode_mode_t::DYNAMIC;
    for (int i = 0; i < count; ++i) {
        vectors.emplace(first_sum + i);
        whole.vmm_idx_to_out_reg.emplace(first_sum + i, reg_offset);
        whole.vmm_idx_to_out_elem_off_val.emplace(first_sum + i, i * vlen);
    }
    auto partial = whole;
    for (const auto vector : vectors)
        partial.vmm_tail_idx_.emplace(vector);

    size_t operand = 0;
    for (size_t i = 0; i < conf_.post_ops.size(); ++i) {
        const auto &entry = conf_.post_ops[i];
        if (entry.is_eltwise()) {
            eltwise_.at(static_cast<int>(i)).compute_vector_range(vectors);
        } else if (entry.is_like_binary()) {
            const bool masked = tail && !conf_.operands[operand].is_padded;
            binary_->compute_vector_range(
                    vectors, static_cast<int>(operand++), entry, masked ? partial : whole);
        } else {
            add_old_dst(count, tail, entry.sum.scale);
        }
    }
}

/// The sum operation: adds what dst holds, times scale.
template <cpu_isa_t isa>
void epilogue_kernel_t<isa>::add_old_dst(int count, bool tail, float scale) {
    if (scale != 1.f) {
        const Xbyak::Xmm xmm_value(vmm_value.getIdx());
        mov(reg_tmp.cvt32(), float2int(scale));
        vmovd(xmm_value, reg_tmp.cvt32());
        vbroadcastss(vmm_value, xmm_value);
    }
    for (int i = 0; i < count; ++i) {
        load(vmm_loaded, reg_dst, conf_.dst_type, i, tail);
        if (scale == 1.f) vaddps(sum(i), sum(i), vmm_loaded);
        else vfmadd231ps(sum(i), vmm_loaded, vmm_value);
    }
}

template <cpu_isa_t isa>
void epilogue_kernel_t<isa>::store(int count, bool tail) {
    if (tail) load_tail_mask();
    for (int i = 0; i < count; ++i) {
        if (conf_.dst_type == data_type::bf16) store_bf16(i, tail);
        else if (!tail) vmovups(element(reg_dst, i), sum(i));
        else if (is_avx512) vmovups(element(reg_dst, i) | tail_opmask, sum(i));
        else vmaskmovps(element(reg_dst, i), vmm_tail_mask, sum(i));
    }
}

/// Rounds to the nearest bf16, ties to even, and stores.
template <cpu_isa_t isa>
void epilogue_kernel_t<isa>::store_bf16(int index, bool tail) {
    const Xbyak::Zmm exact(sum(index).getIdx());
    const Xbyak::Ymm rounded(vmm_loaded.getIdx());
    if (rounding_) rounding_->vcvtneps2bf16(rounded, exact);
    else vcvtneps2bf16(rounded, exact, Xbyak::EvexEncoding);
    if (tail) vmovdqu16(element_bf16(reg_dst, index) | tail_opmask, rounded);
    else vmovups(element_bf16(reg_dst, index), rounded);
}

std::unique_ptr<compat::jit_generator_t> make_epilogue_kernel(
        cpu_isa_t isa, const epilogue_kernel_conf_t &conf) {
    using kernel_t = std::unique_ptr<compat::jit_generator_t>;
    return isa == avx2 ? kernel_t(new epilogue_kernel_t<avx2>(conf))
                       : kernel_t(new epilogue_kernel_t<avx512_core>(conf));
}

} // namespace brdnn
} // namespace x64
} // namespace cpu
} // namespace impl
} // namespace dnnl
