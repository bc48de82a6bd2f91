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

# On a machine that is busy otherwise, threads that spin while they wait for each other take minutes for seconds of work.
set(suite_environment "OMP_WAIT_POLICY=passive")

# brconv1d_suite(<name> [<run_suite.py's options> ...] -- <benchdnn's options> ...)
function(brconv1d_suite name)
  add_test(NAME suite_${name}
    COMMAND "${BRCONV1D_PYTHON}" "${PROJECT_SOURCE_DIR}/benchdnn_cases/run_suite.py" --benchdnn "${benchdnn}" ${ARGN})
  set_tests_properties(suite_${name} PROPERTIES TIMEOUT 1500 ENVIRONMENT "${suite_environment}")
endfunction()

# Cases of our own: all are taken, on every instruction set, with any number of threads.
brconv1d_suite(own --require-taken -- --conv --batch=harness_correctness)
brconv1d_suite(own_avx2 --require-taken -- --conv --batch=harness_shapes)
brconv1d_suite(own_3_threads --require-taken -- --conv --batch=harness_shapes)
set_tests_properties(suite_own_avx2 PROPERTIES ENVIRONMENT "${suite_environment};ONEDNN_MAX_CPU_ISA=AVX2")
set_tests_properties(suite_own_3_threads PROPERTIES ENVIRONMENT "${suite_environment};OMP_NUM_THREADS=3")
brconv1d_suite(own_mixed_layouts -- --conv --batch=harness_mixed_layouts)

# oneDNN's own 1D shapes, in both layouts.
foreach(tag abx axb)
  foreach(shapes shapes_1d shapes_1d_wavenet)
    brconv1d_suite(${shapes}_${tag} --min-taken 0.95 --
      --conv --dir=FWD_B --stag=${tag} --dtag=${tag} --batch=${shapes})
  endforeach()
  foreach(shapes unit-stride_no-padding unit-stride_padding strided_no-padding strided_padding
      1st_strided_padding)
    brconv1d_suite(shapes_dilated_${shapes}_${tag} --min-taken 0.95 --
      --conv --dir=FWD_B --stag=${tag} --dtag=${tag} --batch=shapes_dilated_1d_${shapes})
  endforeach()
endforeach()

# oneDNN's own suites, with the plugin as users have it.
foreach(suite test_conv_smoke test_conv_ci)
  brconv1d_suite(${suite} --take policy -- --conv --batch=${suite})
endforeach()
foreach(suite test_deconv_smoke test_deconv_ci)
  brconv1d_suite(${suite} --take policy -- --deconv --batch=${suite})
endforeach()
