# The runtime of host execution; kernels are compiled beside it (kernel_test.cmake).
set(GABOR_SIMT_RUNTIME
  host/async_copy.cpp host/barrier.cpp host/device_memory.cpp host/failure.cpp host/fiber.cpp host/scheduler.cpp
  host/shared_memory.cpp host/warp_collective.cpp)
set(GABOR_SIMT_CHECKER check/entry_points.cpp check/race.cpp check/report.cpp check/shadow.cpp)
list(TRANSFORM GABOR_SIMT_RUNTIME PREPEND ${CMAKE_CURRENT_LIST_DIR}/)
list(TRANSFORM GABOR_SIMT_CHECKER PREPEND ${CMAKE_CURRENT_LIST_DIR}/)
