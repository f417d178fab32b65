# Kernel tests on a GPU, in builds with GABOR_CUDA: the test sources of kernel_test.cmake's flavours, compiled by nvcc,
# over the kernels as libgabor has them. Label gpu; skipped, visibly, where there is no GPU.

# Once, in the folder it is called from. An archive, so that a program holds the kernels it calls and no others.
function(gabor_gpu_test_libraries)
  add_library(gabor_kernels_archive STATIC EXCLUDE_FROM_ALL $<TARGET_OBJECTS:gabor_kernels_cuda>)
  set_target_properties(gabor_kernels_archive PROPERTIES LINKER_LANGUAGE CUDA CUDA_RUNTIME_LIBRARY None)
  set_property(GLOBAL PROPERTY GABOR_GPU_MAIN ${CMAKE_CURRENT_SOURCE_DIR}/gpu_main.cu)

  # Tests that hold no kernels compile for one architecture, the oldest: the others would repeat the same host code.
  set(oldest ${GABOR_CUDA_ARCHITECTURES})
  list(SORT oldest COMPARE NATURAL)
  list(GET oldest 0 oldest)
  string(REGEX REPLACE "^([0-9]+).*" "\\1-virtual" oldest ${oldest})
  set_property(GLOBAL PROPERTY GABOR_OLDEST_ARCHITECTURE ${oldest})
endfunction()

function(gabor_gpu_flags target)
  target_include_directories(${target} PRIVATE
    ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/tests)
  target_compile_options(${target} PRIVATE -Xcompiler=-O1)
  set_target_properties(${target} PROPERTIES
    CUDA_STANDARD 20 CUDA_SEPARABLE_COMPILATION OFF CUDA_RUNTIME_LIBRARY None)
endfunction()

# target <- gpu_main.cu for tests that need cards of at least that capability. It asks which code the GPU runs, so it is
# compiled for all architectures.
function(gabor_gpu_main target capability)
  set(name gabor_gpu_main_${capability})
  if(NOT TARGET ${name})
    get_property(main GLOBAL PROPERTY GABOR_GPU_MAIN)
    add_library(${name} OBJECT ${main})
    gabor_gpu_flags(${name})
    target_compile_definitions(${name} PRIVATE GABOR_TEST_CAPABILITY=${capability})
    target_link_libraries(${name} PRIVATE GTest::gtest CUDA::cudart_static)
  endif()
  set(${target} ${name} PARENT_SCOPE)
endfunction()

# gabor_gpu_kernel_test(name SOURCES ... [CAPABILITY 80] [GOOGLETEST OFF]): bin/name_gpu and the test name.gpu. CAPABILITY:
# the oldest card that has the kernels' instructions. GOOGLETEST OFF: the sources have a main, with gpu_main.cu's exit codes.
function(gabor_gpu_kernel_test name)
  cmake_parse_arguments(T "" "CAPABILITY;GOOGLETEST" "SOURCES" ${ARGN})
  if(NOT T_CAPABILITY)
    set(T_CAPABILITY 50)
  endif()
  set(program ${name}_gpu)
  if(DEFINED T_GOOGLETEST AND NOT T_GOOGLETEST)
    add_executable(${program} ${T_SOURCES})
  else()
    get_property(oldest GLOBAL PROPERTY GABOR_OLDEST_ARCHITECTURE)
    gabor_gpu_main(main ${T_CAPABILITY})
    add_executable(${program} ${T_SOURCES})
    target_link_libraries(${program} PRIVATE ${main} GTest::gtest)
    set_target_properties(${program} PROPERTIES CUDA_ARCHITECTURES ${oldest})
  endif()
  set_source_files_properties(${T_SOURCES} PROPERTIES LANGUAGE CUDA)
  gabor_gpu_flags(${program})
  target_link_libraries(${program} PRIVATE gabor_kernels_archive CUDA::cudart_static Threads::Threads)
  set_property(GLOBAL APPEND PROPERTY GABOR_GPU_PROGRAMS ${program})
  add_test(NAME ${name}.gpu COMMAND ${program})
  set_tests_properties(${name}.gpu PROPERTIES LABELS "kernels;gpu" SKIP_RETURN_CODE 3 TIMEOUT 600)
endfunction()
