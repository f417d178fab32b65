// One random convolution: problem, data, and a judgement of what a kernel made of it.
#pragma once
#include <random>

#include "kernels/common/storage.h"
#include "kernels/conv2d/oracle.h"
#include "kernels/simt/device_array.h"

namespace gabor::kernels::conv2d {

enum class Data { integers, reals };  // integers: all sums exact in float

struct Case {
  Conv2dProblem p;
  Storage storage = Storage::f32;
  bool with_bias = true, accumulate = false;
  std::vector<float> x, w, b, dy, old_dx, old_dw, old_db;  // values that the storage type holds exactly
};

// A small problem: any padding, stride, dilation, groups; K or C is now and then wide enough for the larger tiles.
Conv2dProblem random_problem(std::mt19937& random);
Case make_case(const Conv2dProblem& p, Storage storage, Data data, std::mt19937& random);
std::string describe(const Case& c);

Sums fprop_sums(const Case& c);  // before the activation, bias included
Sums dgrad_sums(const Case& c);  // old dx included if accumulated
Sums wgrad_sums(const Case& c);
Sums bias_sums(const Case& c);

// "" if each result is as near to the exact one as the roundings of its sum allow, and of its storage; else which is
// not. factor_u: unit roundoff to which both factors of each product may be rounded before. Sums of integers have to be
// exact. NaN never passes.
std::string judge(const Sums& want, const std::vector<float>& got, Storage storage, Data data,
                  const Activation& activation = {}, double factor_u = 0);

template <class Element>
std::vector<Element> stored(const std::vector<float>& values) {
  std::vector<Element> out;
  for (const float v : values) out.push_back(simt::from_float<Element>(v));
  return out;
}
template <class Element>
std::vector<float> floats(const std::vector<Element>& values) {
  std::vector<float> out;
  for (const Element v : values) out.push_back(simt::to_float(v));
  return out;
}

}  // namespace gabor::kernels::conv2d
