# What `cmake --install` gives: the public headers, libgabor.a and a CMake package, so that another project says
# find_package(gabor) and links gabor::gabor (tests/consumer does).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/gabor)

target_compile_features(gabor INTERFACE cxx_std_20)
install(TARGETS gabor EXPORT gaborTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT gaborTargets NAMESPACE gabor:: DESTINATION ${package_dir})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/gabor DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN *.h)

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/gaborConfig.cmake.in ${PROJECT_BINARY_DIR}/gaborConfig.cmake
  INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/gaborConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/gaborConfig.cmake ${PROJECT_BINARY_DIR}/gaborConfigVersion.cmake
  DESTINATION ${package_dir})
