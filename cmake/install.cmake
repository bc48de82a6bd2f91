# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0

# Installs the C core: static library, header, pkg-config file, CMake package, licence.

include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/brdnn")

install(TARGETS brdnn EXPORT brdnn ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT brdnn)
install(FILES "${PROJECT_SOURCE_DIR}/include/brdnn.h"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT brdnn)
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE"
  DESTINATION "${CMAKE_INSTALL_DATAROOTDIR}/doc/brdnn" COMPONENT brdnn)

# The package finds libxsmm again on the machine where it is used, with our own module.
install(EXPORT brdnn NAMESPACE brdnn:: FILE brdnnTargets.cmake
  DESTINATION "${package_folder}" COMPONENT brdnn)
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/brdnnConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/brdnnConfig.cmake" INSTALL_DESTINATION "${package_folder}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/brdnnConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES
    "${PROJECT_BINARY_DIR}/brdnnConfig.cmake"
    "${PROJECT_BINARY_DIR}/brdnnConfigVersion.cmake"
    "${PROJECT_SOURCE_DIR}/cmake/FindLibxsmm.cmake"
  DESTINATION "${package_folder}" COMPONENT brdnn)

# The file names its prefix relative to itself, so that the installed tree can be moved.
file(RELATIVE_PATH pkgconfig_to_prefix "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" pkgconfig_to_prefix "${pkgconfig_to_prefix}")
cmake_path(GET Libxsmm_GENERATOR_LIBRARY PARENT_PATH libxsmm_folder)
configure_file("${PROJECT_SOURCE_DIR}/cmake/brdnn.pc.in" "${PROJECT_BINARY_DIR}/brdnn.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/brdnn.pc"
  DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT brdnn)
