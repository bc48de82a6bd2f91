# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0

# Each C example is a program of one file. As a test it runs three times: built here, and built as its reader would
# build it, against the installed core, with CMake and with pkg-config.

file(GLOB example_files CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/examples/*.c")
foreach(file IN LISTS example_files)
  cmake_path(GET file STEM name)
  add_executable(example_${name} "${file}")
  target_link_libraries(example_${name} PRIVATE brdnn::brdnn)
  set_target_properties(example_${name} PROPERTIES C_STANDARD 11 C_STANDARD_REQUIRED ON)

  add_test(NAME example_${name} COMMAND example_${name})
  add_test(NAME example_${name}_installed COMMAND "${CMAKE_COMMAND}"
    "-DBUILD=${PROJECT_BINARY_DIR}"
    "-DCOMPILER=${CMAKE_C_COMPILER}"
    "-DFLAGS=${CMAKE_C_FLAGS}"
    "-DEXAMPLE=${file}"
    -P "${PROJECT_SOURCE_DIR}/cmake/CheckInstall.cmake")
endforeach()
