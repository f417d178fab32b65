# Tests that run kernels on the CPU. Each is built once a flavour, and registered with ctest in three thread orders:
#   asan      clang++, AddressSanitizer + UBSan, locals filled with a pattern
#   check     the compiler of the project, -fsanitize=thread feeding kernels/simt/check; libtsan is not linked
#   portable  no detector, ucontext switches and stand-in types: what a machine without x86-64 and CUDA headers has
# Custom commands and not targets, because the flavours have compilers of their own and compile .cu files as C++.
include(${CMAKE_CURRENT_LIST_DIR}/sources.cmake)

find_path(GABOR_CUDA_INCLUDE cuda_bf16.h HINTS /usr/local/cuda/include ENV CUDA_PATH PATH_SUFFIXES include
  DOC "NVIDIA's headers for half and vector types; without them kernels/simt/host/standin.h")

set(GABOR_KERNEL_FLAGS -std=c++20 -O1 -g1 -fno-strict-aliasing -Wall -Wextra -Wno-unknown-pragmas
  -I${PROJECT_SOURCE_DIR} -I${PROJECT_SOURCE_DIR}/src -I${PROJECT_SOURCE_DIR}/tests)
set(cuda_include)
if(GABOR_CUDA_INCLUDE)
  set(cuda_include -isystem ${GABOR_CUDA_INCLUDE})
endif()

set(GABOR_KERNEL_FLAVOURS check portable)
set(GABOR_check_COMPILER ${CMAKE_CXX_COMPILER})
set(GABOR_check_RUNTIME_FLAGS -O2 -DGABOR_SIMT_CHECK=1 ${cuda_include})
set(GABOR_check_LINK_FLAGS)
set(no_entry_exit --param=tsan-instrument-func-entry-exit=0)  # no use is made of these calls
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  set(no_entry_exit -mllvm -tsan-instrument-func-entry-exit=0)
endif()
# Block copies are not instrumented: they have to be calls (libtsan would intercept them), and the kernels' go to the
# checker.
set(block_calls -fno-builtin-memcpy -fno-builtin-memmove -fno-builtin-memset)
set(GABOR_check_KERNEL_FLAGS -fsanitize=thread ${no_entry_exit} ${block_calls} ${cuda_include})
set(GABOR_check_KERNEL_REDEFINE --redefine-sym memcpy=__tsan_memcpy --redefine-sym memmove=__tsan_memmove
  --redefine-sym memset=__tsan_memset)

set(GABOR_portable_COMPILER ${CMAKE_CXX_COMPILER})
set(GABOR_portable_RUNTIME_FLAGS -O2 -DGABOR_SIMT_UCONTEXT=1)
set(GABOR_portable_KERNEL_FLAGS)
set(GABOR_portable_LINK_FLAGS)

# Debian has the sanitizers' runtimes in packages of their own: found is not yet usable.
if(NOT GABOR_CLANGXX)
  set(probe ${CMAKE_BINARY_DIR}/asan_probe)
  file(WRITE ${probe}.cpp "#include <string>\nint main(int n, char**) { return int(std::string(n, 'x').size()) - n; }\n")
  foreach(name clang++-14 clang++ clang++-19 clang++-20 clang++-21 clang++-22 clang++-18)  # those of tools/setup --tests
    execute_process(COMMAND ${name} -std=c++20 -fsanitize=address,undefined ${probe}.cpp -o ${probe}
      RESULT_VARIABLE status OUTPUT_QUIET ERROR_QUIET)
    if(status EQUAL 0)
      find_program(GABOR_CLANGXX ${name} DOC "Compiler of the asan flavour of kernel tests; it has AddressSanitizer")
      break()
    endif()
  endforeach()
endif()
if(GABOR_CLANGXX)
  list(APPEND GABOR_KERNEL_FLAVOURS asan)
  set(GABOR_asan_COMPILER ${GABOR_CLANGXX})
  set(GABOR_asan_RUNTIME_FLAGS -O2 -DGABOR_SIMT_ASAN=1 ${cuda_include})
  set(GABOR_asan_LINK_FLAGS -fsanitize=address,undefined)
  set(GABOR_asan_KERNEL_FLAGS ${GABOR_asan_LINK_FLAGS} -fno-sanitize-recover=undefined -fno-omit-frame-pointer
    -ftrivial-auto-var-init=pattern ${cuda_include})
endif()

# objects <- the paths of the objects of the sources, by rules made at first use. kind: KERNEL or RUNTIME.
function(gabor_flavour_objects objects flavour kind sources)
  set(made)
  foreach(source ${sources})
    get_filename_component(source ${source} ABSOLUTE)
    file(RELATIVE_PATH id ${PROJECT_SOURCE_DIR} ${source})
    set(object ${CMAKE_CURRENT_BINARY_DIR}/${flavour}/${id}.o)
    list(APPEND made ${object})
    get_source_file_property(known ${object} GENERATED)
    if(known)
      continue()
    endif()
    set(redefine)
    if(GABOR_${flavour}_${kind}_REDEFINE)
      set(redefine COMMAND ${CMAKE_OBJCOPY} ${GABOR_${flavour}_${kind}_REDEFINE} ${object})
    endif()
    get_filename_component(folder ${object} DIRECTORY)
    file(MAKE_DIRECTORY ${folder})
    add_custom_command(OUTPUT ${object}
      COMMAND ${CMAKE_CXX_COMPILER_LAUNCHER} ${GABOR_${flavour}_COMPILER} ${GABOR_KERNEL_FLAGS}
        ${GABOR_${flavour}_${kind}_FLAGS} -MD -MT ${object} -MF ${object}.d -x c++ -c ${source} -o ${object}
      ${redefine}
      DEPENDS ${source} DEPFILE ${object}.d VERBATIM COMMENT "Building kernel test object (${flavour}) ${id}")
    set_source_files_properties(${object} PROPERTIES GENERATED ON)
  endforeach()
  set(${objects} ${made} PARENT_SCOPE)
endfunction()

# gabor_kernel_runtimes(): the archive gabor_simt_FLAVOUR of each flavour, once, in the folder it is called from.
function(gabor_kernel_runtimes)
  foreach(flavour ${GABOR_KERNEL_FLAVOURS})
    set(sources ${GABOR_SIMT_RUNTIME})
    if(flavour STREQUAL check)
      list(APPEND sources ${GABOR_SIMT_CHECKER})
    endif()
    gabor_flavour_objects(objects ${flavour} RUNTIME "${sources}")
    set(archive ${CMAKE_CURRENT_BINARY_DIR}/libgabor_simt_${flavour}.a)
    add_custom_command(OUTPUT ${archive}
      COMMAND ${CMAKE_COMMAND} -E rm -f ${archive} COMMAND ${CMAKE_AR} qcs ${archive} ${objects}
      DEPENDS ${objects} VERBATIM)
    add_custom_target(gabor_simt_${flavour} DEPENDS ${archive})
    set_target_properties(gabor_simt_${flavour} PROPERTIES ARCHIVE ${archive})
  endforeach()
endfunction()

# gabor_kernel_test(name SOURCES test.cpp ... [KERNELS a.cu ...] [FLAVOURS check ...] [GOOGLETEST OFF] [GPU OFF]
# [CAPABILITY 80]): builds bin/name_FLAVOUR and adds the tests name.FLAVOUR.ORDER. FLAVOURS: default asan and check. With
# GABOR_CUDA also bin/name_gpu and the test name.gpu (tests/kernels/gpu_test.cmake), unless GPU is OFF: a test of host
# execution itself. Independent of libgabor.
function(gabor_kernel_test name)
  cmake_parse_arguments(T "" "GOOGLETEST;GPU;CAPABILITY" "SOURCES;KERNELS;FLAVOURS" ${ARGN})
  if(NOT T_FLAVOURS)
    set(T_FLAVOURS asan check)
  endif()
  set(googletest $<TARGET_FILE:GTest::gtest_main> $<TARGET_FILE:GTest::gtest> -pthread)
  if(DEFINED T_GOOGLETEST AND NOT T_GOOGLETEST)
    set(googletest)
  endif()
  set(dladdr ${CMAKE_DL_LIBS})  # where the C library has it apart
  list(TRANSFORM dladdr PREPEND -l)
  set(programs)
  foreach(flavour ${T_FLAVOURS})
    if(NOT flavour IN_LIST GABOR_KERNEL_FLAVOURS)
      gabor_skipped_test(${name}.${flavour} "no clang++ with AddressSanitizer was found when the build was configured")
      continue()
    endif()
    gabor_flavour_objects(objects ${flavour} KERNEL "${T_SOURCES};${T_KERNELS}")
    get_target_property(archive gabor_simt_${flavour} ARCHIVE)
    set(program ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/${name}_${flavour})
    add_custom_command(OUTPUT ${program}
      COMMAND ${GABOR_${flavour}_COMPILER} ${GABOR_${flavour}_LINK_FLAGS} ${objects} ${archive} ${googletest}
        ${dladdr} -o ${program}
      DEPENDS ${objects} ${archive} gabor_simt_${flavour} VERBATIM COMMENT "Linking kernel test bin/${name}_${flavour}")
    list(APPEND programs ${program})
    foreach(order forward reverse random)
      add_test(NAME ${name}.${flavour}.${order} COMMAND ${program})
      set_tests_properties(${name}.${flavour}.${order} PROPERTIES
        ENVIRONMENT GABOR_SIMT_ORDER=${order} LABELS kernels TIMEOUT 300)
    endforeach()
  endforeach()
  add_custom_target(${name} ALL DEPENDS ${programs})
  if(GABOR_CUDA AND (NOT DEFINED T_GPU OR T_GPU))
    gabor_gpu_kernel_test(${name} SOURCES ${T_SOURCES} CAPABILITY ${T_CAPABILITY} GOOGLETEST ${T_GOOGLETEST})
  endif()
endfunction()
