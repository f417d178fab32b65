# gabor_nvcc_test(name file.cu): the tests name.nvcc.ARCH, that nvcc compiles and assembles the file without a warning.
find_program(GABOR_NVCC nvcc HINTS /usr/local/cuda/bin ENV CUDA_PATH PATH_SUFFIXES bin)
function(gabor_nvcc_test name file)
  foreach(arch sm_75 sm_80 sm_90)
    set(test ${name}.nvcc.${arch})
    if(GABOR_NVCC)
      add_test(NAME ${test} COMMAND ${GABOR_NVCC} -std=c++20 -cubin -arch=${arch} -Werror all-warnings
        -I${PROJECT_SOURCE_DIR} -I${PROJECT_SOURCE_DIR}/src -I${PROJECT_SOURCE_DIR}/tests
        -o ${CMAKE_CURRENT_BINARY_DIR}/${name}_${arch}.cubin ${file})
      set_tests_properties(${test} PROPERTIES LABELS kernels TIMEOUT 300)
    else()
      gabor_skipped_test(${test} "no nvcc was found when the build was configured")
    endif()
  endforeach()
endfunction()
