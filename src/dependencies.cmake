# Every third-party library gabor uses, found once, with the reason. Names and versions: README, "Dependencies".
find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)   # one team of threads for our kernels and for oneDNN
find_package(fmt REQUIRED)                     # GCC 12 has no <format>
find_package(hwy CONFIG REQUIRED)              # Highway: our own CPU kernels, one source for AVX2, AVX-512, NEON
find_path(TOML_INCLUDE toml++/toml.h REQUIRED)  # model files (header-only use)
find_package(ZLIB REQUIRED)                    # MNIST's idx.gz
find_path(CLI11_INCLUDE CLI/CLI.hpp REQUIRED)  # command line
find_path(JSON_INCLUDE nlohmann/json.hpp REQUIRED)
find_path(XXHASH_INCLUDE xxhash.h REQUIRED)    # checkpoint checksums (header-only use)

# Debian's three small -dev packages carry no CMake config (only libopencv-dev does, with 71 packages more).
find_path(OPENCV_INCLUDE opencv2/imgcodecs.hpp PATH_SUFFIXES opencv4 REQUIRED)
add_library(gabor_opencv INTERFACE)            # decoding and resizing of photos
target_include_directories(gabor_opencv SYSTEM INTERFACE ${OPENCV_INCLUDE})
foreach(part core imgproc imgcodecs)
  find_library(OPENCV_${part} opencv_${part} REQUIRED)
  target_link_libraries(gabor_opencv INTERFACE ${OPENCV_${part}})
endforeach()

# oneDNN: convolutions and GEMM of the cpu backend. Its CMake config asks for OpenCL's headers, which we do not need.
find_path(DNNL_INCLUDE dnnl.hpp REQUIRED)
find_library(DNNL_LIBRARY dnnl REQUIRED)
add_library(gabor_onednn INTERFACE)
target_include_directories(gabor_onednn SYSTEM INTERFACE ${DNNL_INCLUDE})
target_link_libraries(gabor_onednn INTERFACE ${DNNL_LIBRARY})
