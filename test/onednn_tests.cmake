# SPDX-FileCopyrightText: 2026 The brconv1d authors
# SPDX-License-Identifier: Apache-2.0

# Tests of oneDNN with the plugin inside: its dispatch, and benchdnn's suites. Each suite runs with BRCONV1D_TAKE=all
# unless it says otherwise, and ends with a count of the cases that the plugin itself took.

# Debian's interpreter where it is there, as it sees Debian's modules.
find_program(BRCONV1D_PYTHON NAMES python3 HINTS ENV PYTHON PATHS /usr/bin NO_DEFAULT_PATH)
find_program(BRCONV1D_PYTHON NAMES python3 REQUIRED)

set(benchdnn "${PROJECT_BINARY_DIR}/bin/benchdnn")

add_test(NAME bench_tools COMMAND "${BRCONV1D_PYTHON}" -m unittest discover -s "${PROJECT_SOURCE_DIR}/bench" -p "test_*.py")
add_test(NAME dispatch COMMAND "${BRCONV1D_PYTHON}" "${CMAKE_CURRENT_SOURCE_DIR}/dispatch_test.py" "${benchdnn}" -v)
add_test(NAME graph COMMAND "${BRCONV1D_PYTHON}" "${CMAKE_CURRENT_SOURCE_DIR}/graph_test.py" "${benchdnn}" -v)

# On a machine that is busy otherwise, threads that spin while they wait for each other take minutes for seconds of work.
set(suite_environment "OMP_WAIT_POLICY=passive")

# brconv1d_suite(<name> [<run_suite.py's options> ...] -- <benchdnn's options> ...)
function(brconv1d_suite name)
  add_test(NAME suite_${name}
    COMMAND "${BRCONV1D_PYTHON}" "${PROJECT_SOURCE_DIR}/benchdnn_cases/run_suite.py" --benchdnn "${benchdnn}" ${ARGN})
  set_tests_properties(suite_${name} PROPERTIES TIMEOUT 1500 ENVIRONMENT "${suite_environment}")
endfunction()

# The three passes, where one kind of each is enough.
set(passes --dt=f32 --dir=FWD_B,BWD_D,BWD_WB)
set(ncw --stag=abx --dtag=abx)
set(nwc --stag=axb --dtag=axb)
set(any --stag=any --dtag=any)

# Cases of our own: all are taken, in every pass, on every instruction set, with any number of threads. Layers of
# networks are large, and most of the time goes into benchdnn's reference, half of it into few of them: not every setting
# has all.
foreach(setting avx512 avx2 3_threads)
  foreach(driver conv deconv)
    brconv1d_suite(own_${driver}_${setting} --require-taken -- --${driver} --batch=harness_correctness)
    list(APPEND suites_${setting} suite_own_${driver}_${setting})
  endforeach()
endforeach()
brconv1d_suite(own_pitches --require-taken -- --conv --batch=harness_pitches)
brconv1d_suite(networks_ncw --require-taken -- --conv ${passes} ${ncw} --batch=shapes_networks)
brconv1d_suite(networks_nwc --require-taken -- --conv ${passes} ${nwc} --batch=shapes_networks)
set(many "--match=genomics\\|wavenet\\|tcn\\|hifigan\\|position\\|trunk\\|ecg\\|kws\\|audio")
foreach(setting avx2 3_threads)
  brconv1d_suite(networks_ncw_${setting} --require-taken --
    --conv ${passes} ${ncw} "${many}" --batch=shapes_networks)
endforeach()
brconv1d_suite(transposed_networks_ncw --require-taken -- --deconv ${passes} ${ncw} --batch=transposed_networks)
brconv1d_suite(transposed_networks_nwc_avx2 --require-taken -- --deconv ${passes} ${nwc} --batch=transposed_networks)
set_tests_properties(${suites_avx2} suite_networks_ncw_avx2 suite_transposed_networks_nwc_avx2
  PROPERTIES ENVIRONMENT "${suite_environment};ONEDNN_MAX_CPU_ISA=AVX2")
set_tests_properties(${suites_3_threads} suite_networks_ncw_3_threads
  PROPERTIES ENVIRONMENT "${suite_environment};OMP_NUM_THREADS=3")
foreach(driver conv deconv)
  brconv1d_suite(own_mixed_layouts_${driver} -- --${driver} --batch=harness_mixed_layouts)
endforeach()

# oneDNN's own 1D shapes, in every pass and both layouts: all are taken.
foreach(layout ncw nwc)
  foreach(shapes 1d 1d_wavenet dilated_1d_unit-stride_no-padding dilated_1d_unit-stride_padding
      dilated_1d_strided_no-padding dilated_1d_strided_padding dilated_1d_1st_strided_padding)
    brconv1d_suite(shapes_${shapes}_${layout} --require-taken -- --conv ${passes} ${${layout}} --batch=shapes_${shapes})
  endforeach()
  brconv1d_suite(shapes_dw_1d_${layout} --require-taken -- --conv ${passes} ${${layout}}
    --batch=shapes_dw_1d_stride_no-padding --batch=shapes_dw_1d_unit-stride_no-padding
    --batch=shapes_dw_1d_unit-stride_padding)
endforeach()

# oneDNN's own suites, in every pass: with the plugin as users have it, and the f32 part with all taken that can be. Of the
# 1D problems that is every one whose src and dst share a layout.
foreach(driver conv deconv)
  foreach(suite smoke ci)
    brconv1d_suite(test_${driver}_${suite} --take policy -- --${driver} --batch=test_${driver}_${suite})
  endforeach()
endforeach()
set(basic --dt=f32 --mb=2 --dir=FWD_B,FWD_D,FWD_I,BWD_D,BWD_W,BWD_WB)
set(mixed --stag=any,abx,axb --dtag=any,abx,axb)
brconv1d_suite(conv_basic_mixed -- --conv ${basic} ${mixed} --batch=shapes_basic)
brconv1d_suite(deconv_ci_mixed -- --deconv ${basic} ${mixed} --batch=shapes_ci)
foreach(layout any ncw nwc)
  brconv1d_suite(conv_basic_${layout} --require-taken -- --conv ${basic} ${${layout}}
    "--match=.*_1d:.*" --batch=shapes_basic)
  brconv1d_suite(deconv_ci_${layout} --require-taken -- --deconv ${basic} ${${layout}}
    "--match=.*_1d:.*" --batch=shapes_ci)
  brconv1d_suite(deconv_1d_${layout} --require-taken -- --deconv ${basic} ${${layout}} --batch=shapes_1d)
endforeach()
