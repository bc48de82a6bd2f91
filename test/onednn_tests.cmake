# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0

# Tests of oneDNN with the plugin inside: its dispatch, and benchdnn's suites. Each suite runs with BRDNN_TAKE=all
# unless it says otherwise, and ends with a count of the cases that the plugin itself took.

set(benchdnn "${PROJECT_BINARY_DIR}/bin/benchdnn")

add_test(NAME bench_tools COMMAND "${BRDNN_PYTHON}" -m unittest discover -s "${PROJECT_SOURCE_DIR}/bench" -p "test_*.py")
add_test(NAME dispatch COMMAND "${BRDNN_PYTHON}" "${CMAKE_CURRENT_SOURCE_DIR}/dispatch_test.py" "${benchdnn}" -v)
set_tests_properties(dispatch PROPERTIES ENVIRONMENT "BRDNN_HIDDEN_CACHES=$<TARGET_FILE:brdnn_hidden_caches>")
add_test(NAME graph COMMAND "${BRDNN_PYTHON}" "${CMAKE_CURRENT_SOURCE_DIR}/graph_test.py" "${benchdnn}" -v)

# On a machine that is busy otherwise, threads that spin while they wait for each other take minutes for seconds of work.
set(suite_environment "OMP_WAIT_POLICY=passive")

# brdnn_suite(<name> [<run_suite.py's options> ...] -- <benchdnn's options> ...)
function(brdnn_suite name)
  add_test(NAME suite_${name}
    COMMAND "${BRDNN_PYTHON}" "${PROJECT_SOURCE_DIR}/benchdnn_cases/run_suite.py" --benchdnn "${benchdnn}" ${ARGN})
  # With --isa, a machine without it skips the suite.
  set_tests_properties(suite_${name} PROPERTIES TIMEOUT 1500 SKIP_RETURN_CODE 77 ENVIRONMENT "${suite_environment}")
endfunction()

# The three passes, where one kind of each is enough.
set(passes --dt=f32 --dir=FWD_B,BWD_D,BWD_WB)
set(ncw --stag=abx --dtag=abx)
set(nwc --stag=axb --dtag=axb)
set(any --stag=any --dtag=any)

# Cases of our own: all are taken, in every pass, on every instruction set, with any number of threads. Layers of
# networks are large, and most of the time goes into benchdnn's reference, half of it into few of them: not every setting
# has all.
set(own_avx512_core --isa AVX512_CORE)
set(own_avx2 --isa AVX2)
foreach(setting avx512_core avx2 3_threads)
  foreach(driver conv deconv)
    brdnn_suite(own_${driver}_${setting} ${own_${setting}} --require-taken -- --${driver} --batch=harness_correctness)
    list(APPEND suites_${setting} suite_own_${driver}_${setting})
  endforeach()
endforeach()
brdnn_suite(own_pitches --require-taken -- --conv --batch=harness_pitches)
brdnn_suite(networks_ncw --require-taken -- --conv ${passes} ${ncw} --batch=shapes_networks)
brdnn_suite(networks_nwc --require-taken -- --conv ${passes} ${nwc} --batch=shapes_networks)
set(many "--match=genomics\\|wavenet\\|tcn\\|hifigan\\|position\\|trunk\\|ecg\\|kws\\|audio")
foreach(setting avx2 3_threads)
  brdnn_suite(networks_ncw_${setting} ${own_${setting}} --require-taken --
    --conv ${passes} ${ncw} "${many}" --batch=shapes_networks)
endforeach()
brdnn_suite(transposed_networks_ncw --require-taken -- --deconv ${passes} ${ncw} --batch=transposed_networks)
brdnn_suite(transposed_networks_nwc_avx2 --isa AVX2 --require-taken --
  --deconv ${passes} ${nwc} --batch=transposed_networks)
set_tests_properties(${suites_3_threads} suite_networks_ncw_3_threads
  PROPERTIES ENVIRONMENT "${suite_environment};OMP_NUM_THREADS=3")
foreach(driver conv deconv)
  brdnn_suite(own_mixed_layouts_${driver} -- --${driver} --batch=harness_mixed_layouts)
endforeach()

# bf16 tensors, and f32 ones that may be multiplied in another precision. Without instructions for bf16 a short list is
# enough: the kernels are those of f32.
foreach(driver conv deconv)
  brdnn_suite(own_bf16_${driver}_avx2 --isa AVX2 --require-taken -- --${driver} --batch=harness_bf16_steps)
  brdnn_suite(own_bf16_${driver}_avx512_core --isa AVX512_CORE --require-taken --
    --${driver} --batch=harness_bf16_steps --batch=harness_bf16_attributes)
  foreach(isa avx512_core_bf16 avx512_core_amx)
    string(TOUPPER ${isa} limit)
    brdnn_suite(own_bf16_${driver}_${isa} --isa ${limit} --require-taken --
      --${driver} --batch=harness_bf16 --batch=harness_bf16_attributes)
    brdnn_suite(own_fpmath_${driver}_${isa} --isa ${limit} --require-taken -- --${driver} --batch=harness_fpmath)
  endforeach()
  brdnn_suite(own_bf16x3_${driver}_avx512_core_amx --isa AVX512_CORE_AMX --require-taken --
    --${driver} --batch=harness_correctness)
  set_tests_properties(suite_own_bf16x3_${driver}_avx512_core_amx
    PROPERTIES ENVIRONMENT "${suite_environment};BRDNN_F32=amx")
endforeach()

# oneDNN's own 1D shapes, in every pass and both layouts: all are taken.
foreach(layout ncw nwc)
  foreach(shapes 1d 1d_wavenet dilated_1d_unit-stride_no-padding dilated_1d_unit-stride_padding
      dilated_1d_strided_no-padding dilated_1d_strided_padding dilated_1d_1st_strided_padding)
    brdnn_suite(shapes_${shapes}_${layout} --require-taken -- --conv ${passes} ${${layout}} --batch=shapes_${shapes})
  endforeach()
  brdnn_suite(shapes_dw_1d_${layout} --require-taken -- --conv ${passes} ${${layout}}
    --batch=shapes_dw_1d_stride_no-padding --batch=shapes_dw_1d_unit-stride_no-padding
    --batch=shapes_dw_1d_unit-stride_padding)
endforeach()

# Those of its bf16 suites (test_conv_bfloat16 and ..._nxc, test_conv_gemm_bfloat16, test_deconv_bfloat16), in their
# mixtures of types. Their other shapes nobody here takes, and checking those against plain loops takes an hour.
set(shapes_of_conv --batch=shapes_1d --batch=shapes_dilated_1d_unit-stride_no-padding
  --batch=shapes_dilated_1d_strided_no-padding)
set(shapes_of_deconv --batch=shapes_1d)
set(shapes_of_gemm "--match=ic[0-9]*iw" --batch=shapes_gemm)
foreach(suite conv deconv gemm)
  string(REPLACE gemm conv driver ${suite})
  foreach(layout ncw nwc)
    brdnn_suite(bf16_${suite}_${layout} --isa AVX512_CORE_BF16 --require-taken -- --${driver} --mb=2 ${${layout}}
      --dt=bf16,bf16:bf16:f32 --dir=FWD_B ${shapes_of_${suite}}
      --dt=bf16,f32:bf16:bf16 --dir=BWD_D ${shapes_of_${suite}}
      --dt=bf16,bf16:f32:bf16 --dir=BWD_WB ${shapes_of_${suite}})
  endforeach()
endforeach()

# oneDNN's own suites, in every pass: with the plugin as users have it, and the f32 part with all taken that can be. Of the
# 1D problems that is every one whose src and dst share a layout.
foreach(driver conv deconv)
  foreach(suite smoke ci)
    brdnn_suite(test_${driver}_${suite} --take policy -- --${driver} --batch=test_${driver}_${suite})
  endforeach()
endforeach()
set(basic --dt=f32 --mb=2 --dir=FWD_B,FWD_D,FWD_I,BWD_D,BWD_W,BWD_WB)
set(mixed --stag=any,abx,axb --dtag=any,abx,axb)
brdnn_suite(conv_basic_mixed -- --conv ${basic} ${mixed} --batch=shapes_basic)
brdnn_suite(deconv_ci_mixed -- --deconv ${basic} ${mixed} --batch=shapes_ci)
foreach(layout any ncw nwc)
  brdnn_suite(conv_basic_${layout} --require-taken -- --conv ${basic} ${${layout}}
    "--match=.*_1d:.*" --batch=shapes_basic)
  brdnn_suite(deconv_ci_${layout} --require-taken -- --deconv ${basic} ${${layout}}
    "--match=.*_1d:.*" --batch=shapes_ci)
  brdnn_suite(deconv_1d_${layout} --require-taken -- --deconv ${basic} ${${layout}} --batch=shapes_1d)
endforeach()

# Random problems, of another seed each time: formats given or not, odd channels, filters that leave a tail, attributes.
foreach(driver conv deconv)
  brdnn_suite(random_${driver} --random 1500 -- --${driver})
endforeach()

# Weights reordered into the core's layouts and back, by oneDNN's own reorders.
brdnn_suite(reorder_weights -- --reorder --batch=reorder_weights)
brdnn_suite(reorder_weights_avx2 --isa AVX2 -- --reorder --batch=reorder_weights)

# The same on a CPU that tells no sizes of caches, where a stock oneDNN loses values: with the plugin as users have it,
# so that most problems run on built-in implementations, with their reorders. Skipped where the machine can't be made to
# look like one.
foreach(driver conv deconv)
  brdnn_suite(hidden_caches_${driver} --take policy --random 600 -- --${driver})
endforeach()
brdnn_suite(hidden_caches_reorder_weights -- --reorder --batch=reorder_weights)
set_tests_properties(suite_hidden_caches_conv suite_hidden_caches_deconv suite_hidden_caches_reorder_weights PROPERTIES
  ENVIRONMENT "${suite_environment};LD_PRELOAD=$<TARGET_FILE:brdnn_hidden_caches>")
