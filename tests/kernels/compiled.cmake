# Tests of what nvcc made of the kernels; label cuda: they need no GPU.

# Host execution checks everything of simt/wrappers.cu but the inline assembly, which only a GPU runs.
gabor_gpu_kernel_test(simt_wrappers SOURCES simt/wrappers.cu GOOGLETEST OFF)

# The CUDA runtime is linked statically: the program needs a driver only when it is to use it.
add_test(NAME cuda_program_starts COMMAND gabor_cli_binary --help)
set_tests_properties(cuda_program_starts PROPERTIES LABELS cuda)

set(script ${PROJECT_SOURCE_DIR}/tools/dev/kernel_resources)
if(GABOR_CUDA_RESOURCES)
  add_test(NAME kernel_resources.spills COMMAND ${script} spills $<TARGET_OBJECTS:gabor_kernels_cuda>
    COMMAND_EXPAND_LISTS)
  add_test(NAME kernel_resources.table
    COMMAND ${script} compare ${CMAKE_CUDA_COMPILER_VERSION} $<TARGET_OBJECTS:gabor_kernels_cuda> COMMAND_EXPAND_LISTS)
  set_tests_properties(kernel_resources.spills kernel_resources.table PROPERTIES
    LABELS cuda SKIP_REGULAR_EXPRESSION "skipped:")
  add_custom_target(kernel_resources
    COMMAND ${script} print ${CMAKE_CUDA_COMPILER_VERSION} $<TARGET_OBJECTS:gabor_kernels_cuda>
      > ${PROJECT_SOURCE_DIR}/kernels/resources.tsv
    COMMAND_EXPAND_LISTS VERBATIM COMMENT "Writing kernels/resources.tsv")
  add_dependencies(kernel_resources gabor_kernels_cuda)
endif()
