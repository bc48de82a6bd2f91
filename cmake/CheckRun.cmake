# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0

# Installs oneDNN from the folder BUILD, moves the tree elsewhere, and has brdnn-run there report on a convolution of
# benchdnn's, which has to run on brdnn.

set(folder "${BUILD}/check_run")
file(REMOVE_RECURSE "${folder}")
execute_process(COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET COMMAND
  "${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${folder}/installed" --component oneDNN)
file(RENAME "${folder}/installed" "${folder}/moved")

unset(ENV{LD_LIBRARY_PATH})
foreach(run IN ITEMS "${BUILD}/bin/brdnn-run" "${folder}/moved/bin/brdnn-run")
  execute_process(COMMAND "${run}" --report "${BUILD}/bin/benchdnn" --conv --mode=R ic15iw500oc15ow450kw51n"check:run"
    COMMAND_ERROR_IS_FATAL ANY OUTPUT_VARIABLE output ERROR_VARIABLE report)
  if(NOT report MATCHES "1 of 1 convolutions ran on brdnn")
    message(FATAL_ERROR "${run} reports:\n${report}")
  endif()
  if(output MATCHES "onednn_verbose")
    message(FATAL_ERROR "${run} passes oneDNN's lines on:\n${output}")
  endif()
endforeach()
