# gpu_programs: what a machine with a GPU is to run, as one target; their paths in gpu_programs.txt (tools/dev/bundle).
get_property(programs GLOBAL PROPERTY GABOR_GPU_PROGRAMS)
add_custom_target(gpu_programs DEPENDS ${programs})
set(paths)
foreach(program ${programs})
  string(APPEND paths "$<TARGET_FILE:${program}>\n")
endforeach()
file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/gpu_programs.txt CONTENT "${paths}")
