# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0

# Builds brdnn into oneDNN without touching oneDNN's source:
#
#   cmake -S oneDNN -B build -DCMAKE_PROJECT_oneDNN_INCLUDE=<this file>
#
# CMake includes this file right after oneDNN's project(), before any target exists, so the work is put off to the end
# of oneDNN's top-level CMakeLists.txt. There a few functions are taken over, such as the one that lists what oneDNN
# tries for a convolution: oneDNN compiles a copy of the function's source in which it is called get_builtin_..., and the
# plugin defines the original name.

if(CMAKE_VERSION VERSION_LESS 3.20)
  message(FATAL_ERROR "brdnn needs CMake 3.20 or newer, this is ${CMAKE_VERSION}.")
endif()
cmake_policy(PUSH)
cmake_policy(VERSION 3.20)

include("${CMAKE_CURRENT_LIST_DIR}/sources.cmake")

# Compiles a copy of one of oneDNN's sources in its place, in which the definition of one function is renamed. Only the
# definition may be: a compile definition would also rename the calls in inline functions of oneDNN's headers, and the
# linker could then keep one that bypasses the plugin.
function(_brdnn_take_over source definition renamed)
  set(original "${PROJECT_SOURCE_DIR}/src/cpu/${source}")
  cmake_path(GET source FILENAME name)
  set(copy "${PROJECT_BINARY_DIR}/brdnn/${name}")

  get_target_property(sources dnnl_cpu SOURCES)
  list(FIND sources "${original}" position)
  set(text "")
  if(NOT position EQUAL -1)
    file(READ "${original}" text)
  endif()
  string(FIND "${text}" "\n${definition}(" first)
  string(FIND "${text}" "\n${definition}(" last REVERSE)
  if(first EQUAL -1 OR NOT first EQUAL last)
    message(FATAL_ERROR
      "brdnn can't enter oneDNN ${PROJECT_VERSION}: there is not exactly one definition "
      "'${definition}(' in ${original}.")
  endif()

  string(REPLACE "\n${definition}(" "\n${renamed}(" text "${text}")
  file(CONFIGURE OUTPUT "${copy}" CONTENT "${text}" @ONLY)
  set_property(DIRECTORY "${PROJECT_SOURCE_DIR}" APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${original}")

  list(REMOVE_AT sources ${position})
  set_property(TARGET dnnl_cpu PROPERTY SOURCES "${sources};${copy}")
endfunction()

function(_brdnn_attach)
  if(NOT TARGET dnnl_cpu OR NOT DNNL_TARGET_ARCH STREQUAL "X64")
    message(WARNING "brdnn is left out: it needs oneDNN's CPU engine on x86-64.")
    return()
  endif()
  if(PROJECT_VERSION VERSION_LESS 3.7 OR PROJECT_VERSION VERSION_GREATER_EQUAL 3.14)
    message(WARNING "brdnn was made for oneDNN 3.7 to 3.13, this is ${PROJECT_VERSION}: it may fail to compile.")
  endif()

  list(PREPEND CMAKE_MODULE_PATH "${BRDNN_ROOT}/cmake")
  find_package(Libxsmm 1.17...<2 REQUIRED MODULE)

  foreach(operation convolution deconvolution)
    _brdnn_take_over(cpu_${operation}_list.cpp
      "const impl_list_item_t *get_${operation}_impl_list"
      "const impl_list_item_t *get_builtin_${operation}_impl_list")
  endforeach()
  _brdnn_take_over(platform.cpp "unsigned get_per_core_cache_size" "unsigned get_builtin_per_core_cache_size")

  # oneDNN compiles C as C99 and knows neither our headers nor libxsmm's; its own sources need not either.
  set(warnings -Wall)
  if(BRDNN_WERROR)
    list(APPEND warnings -Werror)
  endif()
  set_source_files_properties(${BRDNN_CORE_SOURCES} TARGET_DIRECTORY dnnl_cpu PROPERTIES
    COMPILE_OPTIONS "-std=gnu11;-fvisibility=hidden;${warnings}"
    INCLUDE_DIRECTORIES "${BRDNN_ROOT}/include;${BRDNN_ROOT}/src;${Libxsmm_INCLUDE_DIR}")
  set_source_files_properties(${BRDNN_PLUGIN_SOURCES} TARGET_DIRECTORY dnnl_cpu PROPERTIES
    COMPILE_OPTIONS "${warnings}"
    INCLUDE_DIRECTORIES "${BRDNN_ROOT}/include")
  target_sources(dnnl_cpu PRIVATE ${BRDNN_CORE_SOURCES} ${BRDNN_PLUGIN_SOURCES})

  target_link_libraries(dnnl PRIVATE "${Libxsmm_GENERATOR_LIBRARY}" ${CMAKE_DL_LIBS} pthread m)
  get_target_property(type dnnl TYPE)
  if(type STREQUAL "SHARED_LIBRARY")
    # A program that uses libxsmm itself must not meet the copy in here.
    cmake_path(GET Libxsmm_GENERATOR_LIBRARY FILENAME archive)
    target_link_options(dnnl PRIVATE "LINKER:--exclude-libs,${archive}")
  endif()

  # oneDNN installs its own notices there.
  include(GNUInstallDirs)
  set(notices "${CMAKE_INSTALL_DATAROOTDIR}/doc/dnnl")
  install(FILES "${BRDNN_ROOT}/LICENSE" DESTINATION "${notices}" RENAME LICENSE.brdnn)
  install(FILES "${BRDNN_ROOT}/cmake/LICENSE.libxsmm" DESTINATION "${notices}")

  message(STATUS "brdnn: attached to oneDNN ${PROJECT_VERSION}, with libxsmm ${Libxsmm_VERSION}")
endfunction()

cmake_language(DEFER CALL _brdnn_attach)
cmake_policy(POP)
