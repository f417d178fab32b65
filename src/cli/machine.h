#pragma once
#include <string>

namespace gabor {

std::string cpu_name();     // as /proc/cpuinfo has it; "CPU" where there is none
std::string vector_unit();  // the widest vector instructions that the kernels have a version for: "AVX-512"
// Processes that want to run, on average of the last minute (getloadavg); 0 where it is not known.
double load_average();
// Memory that this process holds now (resident set), in bytes; 0 where it is not known.
double resident_bytes();
// "load 3.1 on 2 cores" where that load makes times uncertain, else "".
std::string busy_text(double load);

}  // namespace gabor
