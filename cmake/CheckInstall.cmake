# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0

# Installs the core from the folder BUILD into a folder of its own, then builds and runs EXAMPLE against it, once with
# the CMake package and once with the pkg-config file. COMPILER and FLAGS are those that the core was built with.

cmake_policy(VERSION 3.25)

set(folder "${BUILD}/check_install")
set(prefix "${folder}/prefix")
file(REMOVE_RECURSE "${folder}")

function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

run("${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${prefix}" --component brdnn)

file(WRITE "${folder}/CMakeLists.txt" "
  cmake_minimum_required(VERSION 3.25)
  project(consumer LANGUAGES C)
  find_package(brdnn REQUIRED)
  add_executable(with_cmake \"${EXAMPLE}\")
  target_link_libraries(with_cmake PRIVATE brdnn::brdnn)
")
run("${CMAKE_COMMAND}" -S "${folder}" -B "${folder}" "-DCMAKE_PREFIX_PATH=${prefix}"
  "-DCMAKE_C_COMPILER=${COMPILER}" "-DCMAKE_C_FLAGS=${FLAGS}")
run("${CMAKE_COMMAND}" --build "${folder}")
run("${folder}/with_cmake")

file(GLOB_RECURSE package "${prefix}/brdnn.pc")
cmake_path(GET package PARENT_PATH package)
set(ENV{PKG_CONFIG_PATH} "${package}")
execute_process(COMMAND pkg-config --cflags --libs brdnn
  OUTPUT_VARIABLE options OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
separate_arguments(options UNIX_COMMAND "${FLAGS} ${options}")
run("${COMPILER}" "${EXAMPLE}" ${options} -o "${folder}/with_pkg_config")
run("${folder}/with_pkg_config")
