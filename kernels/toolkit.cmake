# The CUDA toolkit, and the cards to compile for. Included by the root: languages and imported targets have to be
# known in all folders.
set(GABOR_CUDA_ARCHITECTURES "75-real;80-real;86-real;89-real;90a-real;100-real;120-real;75-virtual;120-virtual"
  CACHE STRING "Cards to compile for, as CMAKE_CUDA_ARCHITECTURES; 'native' (the card of this machine) builds quickest")
set(CMAKE_CUDA_ARCHITECTURES ${GABOR_CUDA_ARCHITECTURES})

find_package(CUDAToolkit REQUIRED)
if(CUDAToolkit_VERSION VERSION_GREATER_EQUAL 13)
  set(too_old ${GABOR_CUDA_ARCHITECTURES})
  list(FILTER too_old INCLUDE REGEX "^(5.|6.|70|72)")
  if(too_old)
    message(FATAL_ERROR "CUDA ${CUDAToolkit_VERSION} (${CUDAToolkit_BIN_DIR}) cannot compile for ${too_old}: CUDA 12 was "
      "the last that could. Name a CUDA 12 toolkit: -DCUDAToolkit_ROOT=DIR")
  endif()
endif()
if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
  set(CMAKE_CUDA_COMPILER ${CUDAToolkit_NVCC_EXECUTABLE})  # also where it is not in PATH
endif()
if(CCACHE)
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${CCACHE})
endif()
enable_language(CUDA)
if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # nvcc has C++20 since 12.0; CMake 3.25 does not know it yet
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
endif()
