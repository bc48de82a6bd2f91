# SPDX-FileCopyrightText: 2026 The brconv1d authors
# SPDX-License-Identifier: Apache-2.0

# Installs the C core: static library, header, pkg-config file, CMake package, licence.

include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/brconv1d")

install(TARGETS brconv1d EXPORT brconv1d ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT brconv1d)
install(FILES "${PROJECT_SOURCE_DIR}/include/brconv1d.h"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT brconv1d)
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE"
  DESTINATION "${CMAKE_INSTALL_DATAROOTDIR}/doc/brconv1d" COMPONENT brconv1d)

# The package finds libxsmm again on the machine where it is used, with our own module.
install(EXPORT brconv1d NAMESPACE brconv1d:: FILE brconv1dTargets.cmake
  DESTINATION "${package_folder}" COMPONENT brconv1d)
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/brconv1dConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/brconv1dConfig.cmake" INSTALL_DESTINATION "${package_folder}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/brconv1dConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES
    "${PROJECT_BINARY_DIR}/brconv1dConfig.cmake"
    "${PROJECT_BINARY_DIR}/brconv1dConfigVersion.cmake"
    "${PROJECT_SOURCE_DIR}/cmake/FindLibxsmm.cmake"
  DESTINATION "${package_folder}" COMPONENT brconv1d)

# The file names its prefix relative to itself, so that the installed tree can be moved.
file(RELATIVE_PATH pkgconfig_to_prefix "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" pkgconfig_to_prefix "${pkgconfig_to_prefix}")
cmake_path(GET Libxsmm_GENERATOR_LIBRARY PARENT_PATH libxsmm_folder)
configure_file("${PROJECT_SOURCE_DIR}/cmake/brconv1d.pc.in" "${PROJECT_BINARY_DIR}/brconv1d.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/brconv1d.pc"
  DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT brconv1d)
