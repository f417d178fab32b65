// Small helpers to compile and run nets in tests.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "backends/all.h"
#include "core/philox.h"
#include "model/executor.h"
#include "model/plan.h"

namespace gabor::testing {

inline Plan compile_text(const std::string& toml, const Library& library, PlanOptions options = {}) {
  return compile(parse_model(toml, "net.toml"), library, options);
}

// The article's two classes of pictures of 300x300x3.
inline PlanOptions article_options(int64_t batch) {
  PlanOptions o;
  o.batch = batch, o.input = {300, 300, 3}, o.classes = 2;
  return o;
}

// The message of the Error that f throws; "" when it throws none.
template <class F>
std::string error_of(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

inline std::vector<float> random_floats(int64_t n, uint32_t stream, float scale = 1) {
  Random random({42, Purpose::test, 0, stream});
  std::vector<float> v(static_cast<size_t>(n));
  for (float& x : v) x = random.uniform(-scale, scale);
  return v;
}

inline std::vector<uint8_t> random_bytes(int64_t n, uint32_t stream) {
  Random random({42, Purpose::test, 1, stream});
  std::vector<uint8_t> v(static_cast<size_t>(n));
  for (uint8_t& x : v) x = uint8_t(random.below(256));
  return v;
}

// A plan with parameters and executor, fed with random pictures.
struct Net {
  Net(const std::string& toml, const std::string& backend, PlanOptions options, uint64_t seed = 1)
      : library(make_library(backend, 0)),
        plan(compile(parse_model(toml, "net.toml"), *library, options)),
        parameters(library->device(), plan.parameters, plan.parameter_elements, plan.options.training),
        executor(plan, library->device(), parameters, seed) {
    parameters.initialize(seed);
  }
  std::shared_ptr<Library> library;
  Plan plan;
  Parameters parameters;
  Executor executor;
};

}  // namespace gabor::testing
