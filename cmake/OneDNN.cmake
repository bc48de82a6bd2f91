# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0

# Builds oneDNN with the plugin inside, as anyone would who gives oneDNN the one flag: bin/benchdnn and
# lib/libdnnl.so* in the build folder. The other settings are those of the distribution's library, so that ours can
# take its place.

include(ExternalProject)
include(ProcessorCount)

set(BRDNN_ONEDNN_SOURCE "" CACHE PATH "oneDNN checkout to build; empty: the distribution's source of 3.7.2, fetched")
set(onednn_source "${BRDNN_ONEDNN_SOURCE}")
set(onednn_build "${PROJECT_BINARY_DIR}/onednn")

if(NOT onednn_source)
  # Prints the folder; progress and errors go to the terminal.
  execute_process(COMMAND sh "${PROJECT_SOURCE_DIR}/cmake/fetch_onednn.sh"
    OUTPUT_VARIABLE onednn_source OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "There is no oneDNN source to build, see the message above. "
      "Without oneDNN: -DBRDNN_WITH_ONEDNN=OFF.")
  endif()
endif()
if(NOT EXISTS "${onednn_source}/src/cpu/cpu_convolution_list.cpp")
  message(FATAL_ERROR "This is not oneDNN's source: ${onednn_source}")
endif()

if(EXISTS "${onednn_build}/CMakeCache.txt")
  file(STRINGS "${onednn_build}/CMakeCache.txt" built_from REGEX "^CMAKE_HOME_DIRECTORY:")
  string(REGEX REPLACE "^[^=]*=" "" built_from "${built_from}")
  file(REAL_PATH "${onednn_source}" wanted)
  file(REAL_PATH "${built_from}" built_from)
  if(NOT built_from STREQUAL wanted)
    message(FATAL_ERROR "${onednn_build} was built from another oneDNN (${built_from}): "
      "delete it or use another build folder.")
  endif()
endif()

ProcessorCount(processors)
string(REPLACE ";" "|" launcher "${CMAKE_CXX_COMPILER_LAUNCHER}")
set(options
  "-DCMAKE_PROJECT_oneDNN_INCLUDE=${PROJECT_SOURCE_DIR}/cmake/oneDNNPlugin.cmake"
  "-DCMAKE_BUILD_TYPE=Release"
  "-DCMAKE_CXX_STANDARD=17"
  "-DCMAKE_RUNTIME_OUTPUT_DIRECTORY=${PROJECT_BINARY_DIR}/bin"
  "-DCMAKE_LIBRARY_OUTPUT_DIRECTORY=${PROJECT_BINARY_DIR}/lib"
  "-DCMAKE_INSTALL_LIBDIR=${CMAKE_INSTALL_LIBDIR}"
  "-DDNNL_EXPERIMENTAL_SPARSE=ON"
  "-DDNNL_EXPERIMENTAL_UKERNEL=ON"
  "-DDNNL_BUILD_EXAMPLES=OFF"
  "-DDNNL_BUILD_TESTS=ON"
  "-DONEDNN_ARCH_OPT_FLAGS="
  "-DBRDNN_WERROR=${BRDNN_WERROR}")
# Only where set: an empty launcher is not the same as none.
if(launcher)
  list(APPEND options "-DCMAKE_C_COMPILER_LAUNCHER=${launcher}" "-DCMAKE_CXX_COMPILER_LAUNCHER=${launcher}")
endif()

ExternalProject_Add(onednn
  SOURCE_DIR "${onednn_source}"
  BINARY_DIR "${onednn_build}"
  DOWNLOAD_COMMAND ""
  LIST_SEPARATOR "|"
  CMAKE_ARGS
    "-DCMAKE_C_COMPILER=${CMAKE_C_COMPILER}"
    "-DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}"
    ${options}
  # The rest of oneDNN, its own tests and examples, takes longer to build than the library.
  BUILD_COMMAND "${CMAKE_COMMAND}" --build <BINARY_DIR> --parallel ${processors} --target dnnl benchdnn
  BUILD_ALWAYS TRUE
  BUILD_BYPRODUCTS "${PROJECT_BINARY_DIR}/bin/benchdnn" "${PROJECT_BINARY_DIR}/lib/libdnnl.so"
  USES_TERMINAL_CONFIGURE TRUE
  USES_TERMINAL_BUILD TRUE
  INSTALL_COMMAND "")

# benchdnn looks for its inputs beside itself.
file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
file(CREATE_LINK "../onednn/tests/benchdnn/inputs" "${PROJECT_BINARY_DIR}/bin/inputs" SYMBOLIC)

# oneDNN's own install rules: library, headers, CMake package and everybody's licence notices.
install(CODE "
  execute_process(COMMAND_ERROR_IS_FATAL ANY COMMAND
    \"\${CMAKE_COMMAND}\" --install \"${onednn_build}\" --prefix \"\${CMAKE_INSTALL_PREFIX}\")"
  COMPONENT oneDNN)

# brdnn-run puts the library in front for one command. It finds the library and its own modules from where it is, in
# the build folder and wherever the tree is installed.
function(brdnn_configure_run output library_folder module_folder)
  configure_file("${PROJECT_SOURCE_DIR}/frameworks/brdnn-run.in" "${output}" @ONLY
    FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
endfunction()
brdnn_configure_run("${PROJECT_BINARY_DIR}/bin/brdnn-run" "../lib" "${PROJECT_SOURCE_DIR}/frameworks")

file(RELATIVE_PATH to_library "/${CMAKE_INSTALL_BINDIR}" "/${CMAKE_INSTALL_LIBDIR}")
file(RELATIVE_PATH to_modules "/${CMAKE_INSTALL_BINDIR}" "/${CMAKE_INSTALL_DATADIR}/brdnn")
brdnn_configure_run("${PROJECT_BINARY_DIR}/brdnn-run" "${to_library}" "${to_modules}")
install(PROGRAMS "${PROJECT_BINARY_DIR}/brdnn-run" DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT oneDNN)
set(modules brdnn_run.py loaded.py tally.py verbose.py)
list(TRANSFORM modules PREPEND "${PROJECT_SOURCE_DIR}/frameworks/")
install(FILES ${modules} DESTINATION "${CMAKE_INSTALL_DATADIR}/brdnn" COMPONENT oneDNN)

if(BRDNN_BUILD_TESTS)
  add_test(NAME exported_symbols COMMAND "${CMAKE_COMMAND}"
    "-DNM=${CMAKE_NM}"
    "-DLIBRARY=${PROJECT_BINARY_DIR}/lib/libdnnl.so"
    "-DDISTRIBUTION_SYMBOLS=${onednn_source}/debian/libdnnl3.6.symbols"
    -P "${PROJECT_SOURCE_DIR}/cmake/CheckExportedSymbols.cmake")
  add_test(NAME brdnn_run COMMAND "${CMAKE_COMMAND}"
    "-DBUILD=${PROJECT_BINARY_DIR}"
    -P "${PROJECT_SOURCE_DIR}/cmake/CheckRun.cmake")
endif()
