# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0

# Finds libxsmm's code generator, the only part of libxsmm that brdnn uses. Sets Libxsmm_FOUND, Libxsmm_VERSION,
# Libxsmm_INCLUDE_DIR and Libxsmm_GENERATOR_LIBRARY, and defines the target Libxsmm::generator.

find_path(Libxsmm_INCLUDE_DIR libxsmm_generator.h)
# The static archive first: what is linked in can be hidden, and needs nothing installed where it runs.
find_library(Libxsmm_GENERATOR_LIBRARY NAMES libxsmmgen.a xsmmgen)
mark_as_advanced(Libxsmm_INCLUDE_DIR Libxsmm_GENERATOR_LIBRARY)

# The header's version macros are empty in some packages, so the version is read from libxsmm.pc beside the library.
cmake_path(GET Libxsmm_GENERATOR_LIBRARY PARENT_PATH libxsmm_folder)
if(EXISTS "${libxsmm_folder}/pkgconfig/libxsmm.pc")
  file(STRINGS "${libxsmm_folder}/pkgconfig/libxsmm.pc" libxsmm_version REGEX "^Version:")
  string(REGEX REPLACE "^Version: *" "" Libxsmm_VERSION "${libxsmm_version}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Libxsmm
  REQUIRED_VARS Libxsmm_GENERATOR_LIBRARY Libxsmm_INCLUDE_DIR
  VERSION_VAR Libxsmm_VERSION
  HANDLE_VERSION_RANGE
  REASON_FAILURE_MESSAGE "install libxsmm-dev (libxsmm 1.17), or name its folder with -DCMAKE_PREFIX_PATH=<folder>")

if(Libxsmm_FOUND AND NOT TARGET Libxsmm::generator)
  add_library(Libxsmm::generator UNKNOWN IMPORTED)
  set_target_properties(Libxsmm::generator PROPERTIES
    IMPORTED_LOCATION "${Libxsmm_GENERATOR_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${Libxsmm_INCLUDE_DIR}"
    INTERFACE_LINK_LIBRARIES "${CMAKE_DL_LIBS};pthread;m")
endif()
