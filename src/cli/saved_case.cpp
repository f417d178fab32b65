#include "cli/saved_case.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/error.h"
#include "core/text.h"
#include "duel/problem_record.h"
#include "duel/problem_text.h"
#include "train/safetensors.h"

namespace gabor {
namespace {

constexpr const char* kVersion = "1";
constexpr std::string_view kMaths[] = {"fp32", "fp64", "tf32", "fp16", "bf16"};  // Traits::math

void put(SafeTensors& file, const std::string& name, const HostTensor& t) {
  if (!t) return;
  SafeTensor out{name, t.shape(), {}};
  for (size_t i = 0; i < size_t(t.shape().count()); i++) out.data.push_back(float(t.value(i)));
  file.tensors.push_back(std::move(out));
}

// Reads one file, with its name for messages.
class Reader {
 public:
  explicit Reader(const std::string& path) : where_(printable(path)), file_(read_safetensors(path)) {
    if (const auto at = file_.metadata.find("gabor.case");
        at == file_.metadata.end() || at->second != kVersion)
      fail(ErrorCode::checkpoint, where_,
           "is no saved case; --replay takes a file that train --shadow wrote, e.g. "
           "RUN/shadow/step-000050-conv-wgrad.safetensors");
  }

  SavedCase read() {
    SavedCase c;
    ShadowBreach& b = c.breach;
    const std::string step = text("step");
    std::from_chars(step.data(), step.data() + step.size(), c.step);
    b.layer = text("layer"), b.backend = text("main"), b.math = text("math"), b.kernel = text("kernel");
    b.shadow = text("shadow"), b.fault = text("fault");
    if (std::find(std::begin(kMaths), std::end(kMaths), b.math) == std::end(kMaths))
      damaged(fmt::format("unknown math '{}'", printable(b.math)));
    b.problem = problem();
    b.pass = pass();
    b.call.mode = text("mode") == "accumulate" ? GradMode::accumulate : GradMode::overwrite;
    const CallSpec spec = call_spec(b.problem, b.pass);
    for (const TensorSpec& t : spec.inputs) b.call.inputs.push_back(tensor(t.name, t, t.optional));
    check_inputs(b);
    for (const TensorSpec& t : spec.outputs) {
      b.got.push_back(tensor("main." + t.name, t, t.optional));
      b.want.push_back(tensor("shadow." + t.name, t, true));
      HostTensor before = b.got.back() ? HostTensor(t.shape, t.dtype) : HostTensor();
      if (before && b.call.mode == GradMode::accumulate) before = tensor("before." + t.name, t, false);
      b.call.outputs.push_back(std::move(before));
    }
    return c;
  }

 private:
  [[noreturn]] void damaged(const std::string& what) const {
    fail(ErrorCode::checkpoint, where_, "is a damaged case: {}", what);
  }
  std::string text(const std::string& key) const {
    const auto at = file_.metadata.find(key);
    if (at == file_.metadata.end()) damaged("its metadata lacks " + key);
    return at->second;
  }
  AnyProblem problem() const try {
    return problem_of_record(text("op"), text("problem"));
  } catch (const Error& e) {
    damaged(e.what());
  }
  Pass pass() const {
    const std::string name = text("pass");
    for (const Pass p : {Pass::fprop, Pass::dgrad, Pass::wgrad})
      if (name == name_of(p) && !passes_of({.problem = problem()}, {p}).empty()) return p;
    damaged(fmt::format("{} has no pass '{}'", text("op"), printable(name)));
  }

  HostTensor tensor(const std::string& name, const TensorSpec& spec, bool optional) const {
    const SafeTensor* found = file_.find(name);
    if (!found && optional) return {};
    if (!found) damaged(fmt::format("it lacks the tensor '{}'", name));
    if (found->shape != spec.shape)
      damaged(fmt::format("'{}' is {} but the problem says {}", name, found->shape.str(), spec.shape.str()));
    HostTensor out(spec.shape, spec.dtype);
    for (size_t i = 0; i < found->data.size(); i++) {
      const float v = found->data[i];
      if (spec.dtype == DType::f32) {
        out.floats()[i] = v;
        continue;
      }
      const bool byte = spec.dtype == DType::u8;
      if (!(v == std::trunc(v) && v >= (byte ? 0 : -1) && v <= (byte ? 255 : 0x1p24f)))
        damaged(fmt::format("'{}' has an element that is no {}", name, name_of(spec.dtype)));
      if (byte)
        out.view().as<uint8_t>()[i] = uint8_t(v);
      else
        out.view().as<int32_t>()[i] = int32_t(v);
    }
    return out;
  }

  void check_inputs(const ShadowBreach& b) const {
    if (const auto* p = std::get_if<LossProblem>(&b.problem))
      for (int64_t n = 0; n < p->N; n++) {
        const RowLabels label(*p, b.call.inputs[1].view().as<int32_t>(), n);
        if (label.first != -1 && !label.valid(p->K)) damaged("'labels' has a class that is none");
      }
    const auto* p = std::get_if<Pool2dProblem>(&b.problem);
    if (!p || b.pass == Pass::fprop || p->kind != PoolKind::max) return;
    // Kernels write where a winner says.
    const HostTensor& argmax = b.call.inputs[2];
    for (int64_t i = 0; i < p->y_shape().count(); i++) {
      const int64_t winner = int64_t(argmax.value(size_t(i))), position = i / p->C;
      const int64_t h = position / p->Q() % p->P() * p->stride_h - p->pad.top + winner / p->S;
      const int64_t w = position % p->Q() * p->stride_w - p->pad.left + winner % p->S;
      if (winner < 0 || winner >= p->R * p->S || h < 0 || h >= p->H || w < 0 || w >= p->W)
        damaged("'argmax' has a winner outside its window");
    }
  }

  std::string where_;
  SafeTensors file_;
};

}  // namespace

void save_case(const std::string& path, const SavedCase& c) {
  const ShadowBreach& b = c.breach;
  SafeTensors file;
  file.metadata = {{"gabor.case", kVersion},
                   {"op", op_name(b.problem)},
                   {"problem", record_of(b.problem)},
                   {"pass", name_of(b.pass)},
                   {"mode", b.call.mode == GradMode::accumulate ? "accumulate" : "overwrite"},
                   {"layer", b.layer},
                   {"step", std::to_string(c.step)},
                   {"main", b.backend},
                   {"math", b.math},
                   {"kernel", b.kernel},
                   {"shadow", b.shadow},
                   {"fault", b.fault}};
  const CallSpec spec = call_spec(b.problem, b.pass);
  for (size_t i = 0; i < spec.inputs.size(); i++) put(file, spec.inputs[i].name, b.call.inputs[i]);
  for (size_t i = 0; i < spec.outputs.size(); i++) {
    const std::string& name = spec.outputs[i].name;
    put(file, "main." + name, b.got[i]), put(file, "shadow." + name, b.want[i]);
    if (b.call.mode == GradMode::accumulate) put(file, "before." + name, b.call.outputs[i]);
  }
  write_atomically(path, encode_safetensors(file));
}

SavedCase read_case(const std::string& path) { return Reader(path).read(); }

std::string breach_text(const ShadowBreach& b) {
  return fmt::format("{} {} on {}{}, checked by {}, is over its error budget: {}", printable(b.layer),
                     name_of(b.pass), b.backend, b.kernel.empty() ? "" : " (" + b.kernel + ")", b.shadow,
                     b.fault);
}

}  // namespace gabor
