// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// @file epilogue_kernel.hpp
/// Generated code that turns a tile of sums into dst: bias, post-operations, store.

#ifndef BRDNN_PLUGIN_EPILOGUE_KERNEL_HPP
#define BRDNN_PLUGIN_EPILOGUE_KERNEL_HPP

#include <map>
#include <memory>
#include <type_traits>
#include <vector>

#include "common/primitive_attr.hpp"
#include "cpu/x64/jit_avx512_core_bf16cvt.hpp"

#include "compat.hpp"

namespace dnnl {
namespace impl {
namespace cpu {
namespace x64 {
namespace brdnn {

/// How something that is added to a tile changes along a row of it.
enum class along_row_t {
    absent,   ///< not there
    constant, ///< one value for the whole row
    varies    ///< a value per element, contiguous
};

/// A tensor that the kernel reads beside the tile, in rows as the tile's.
struct row_operand_t {
    along_row_t along_row;
    data_type_t data_type;
    dim_t row_stride_bytes;
    bool is_padded; ///< rows may be read to the end of a partial vector
};

/// What the kernel is generated for.
struct epilogue_kernel_conf_t {
    std::vector<post_ops_t::entry_t> post_ops; ///< the chain; descriptors in it are not looked at
    std::vector<row_operand_t> operands;       ///< of the binary and PReLU operations, in order
    row_operand_t bias;                        ///< f32, or bf16 with AVX-512
    data_type_t dst_type;                      ///< as bias
    dim_t dst_pitch_bytes;
};

/// One call: a tile of `rows` rows. Pointers are to the first element of the first row.
struct epilogue_kernel_args_t {
    const float *acc;
    dim_t acc_pitch_bytes;
    void *dst;
    const void *bias;
    const void **operands; ///< one pointer per operand; the kernel moves them
    dim_t rows, row_length;
    dim_t zero; ///< 0: the injector subtracts it from offsets
};

/// The kernel for an instruction set, avx512_core or avx2. It is called with a pointer to
/// epilogue_kernel_args_t.
std::unique_ptr<compat::jit_generator_t> make_epilogue_kernel(
        cpu_isa_t isa, const epilogue_kernel_conf_t &conf);

template <cpu_isa_t isa>
class epilogue_kernel_t : public compat::jit_generator_t {
public:
    DECLARE_CPU_JIT_AUX_FUNCTIONS(brdnn_epilogue_kernel_t)

    explicit epilogue_kernel_t(const epilogue_kernel_conf_t &conf);

private:
    static constexpr bool is_avx512 = isa == avx512_core;
    using Vmm = typename std::conditional<is_avx512, Xbyak::Zmm, Xbyak::Ymm>::type;
    static constexpr int vlen = is_avx512 ? 64 : 32;
    static constexpr int lanes = vlen / static_cast<int>(sizeof(float));

    void generate() override;
    void load_arguments();
    void prepare_tail();
    void finish_row();
    void next_row();
    void whole_vectors(int count);
    void finish_vectors(int count, bool tail);

    void load_sums(int count, bool tail);
    void add_bias(int count, bool tail);
    void apply_post_ops(int count, bool tail);
    void add_old_dst(int count, bool tail, float scale);
    void store(int count, bool tail);
    void store_bf16(int index, bool tail);

    void create_injectors();
    void load(const Vmm &vmm, const Xbyak::Reg64 &row, data_type_t data_type, int index, bool tail);
    void load_f32(const Vmm &vmm, const Xbyak::Reg64 &row, int index, bool tail);
    void load_bf16(const Vmm &vmm, const Xbyak::Reg64 &row, int index, bool tail);
    void broadcast(const Vmm &vmm, const Xbyak::Reg64 &pointer, data_type_t data_type);
    void load_tail_mask();
    void move_pointer(const Xbyak::Operand &pointer, dim_t bytes);
    Xbyak::Address element(const Xbyak::Reg64 &row, int index);
    Xbyak::Address element_bf16(const Xbyak::Reg64 &row, int index);

    /// Registers of a group of vectors that are finished together.
    static constexpr int largest_group = 4;
    static constexpr int first_sum = is_avx512 ? 16 : 12;
    Vmm sum(int index) const { return Vmm(first_sum + index); }

    // Vector registers below are free between operations; injectors use 0 and up.
    const Vmm vmm_loaded {0}, vmm_value {1}, vmm_tail_mask {2};
    static constexpr int injector_vmm = 11;
    static constexpr int first_of_rounding = 24; ///< constants that nothing else touches

    const Xbyak::Reg64 reg_args {abi_param1};
    const Xbyak::Reg64 reg_acc {rsi}, reg_dst {r8}, reg_bias {rdx}, reg_rows {r11};
    const Xbyak::Reg64 reg_offset {r9};       ///< bytes from the row's first element, were it f32
    const Xbyak::Reg64 reg_offset_bf16 {rbp}; ///< the same in bytes of bf16
    const Xbyak::Reg64 reg_left {r10};        ///< elements of the row not done yet
    const Xbyak::Reg64 reg_tail {r12};        ///< elements in the row's last, partial vector
    const Xbyak::Reg64 reg_tail_mask {r13};
    const Xbyak::Reg64 reg_injector_address {r14}, reg_injector_helper {r15};
    const Xbyak::Reg64 reg_injector_cache {rbx};
    const Xbyak::Reg64 reg_table {rax}, reg_tmp {rcx};
    const Xbyak::Opmask tail_opmask {4}, eltwise_opmask {1};

    Xbyak::Label mask_table;
    epilogue_kernel_conf_t conf_;
    memory_desc_t row_md_; ///< stands for a row of dst where the injector asks for dst
    std::map<int, compat::eltwise_injector_t<isa, Vmm>> eltwise_;
    std::unique_ptr<compat::binary_injector_t<isa, Vmm>> binary_;
    std::unique_ptr<bf16_emulation_t> rounding_; ///< to bf16, where there is no instruction for it
};

} // namespace brdnn
} // namespace x64
} // namespace cpu
} // namespace impl
} // namespace dnnl

#endif
