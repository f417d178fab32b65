#include <dnnl_debug.h>

#include <algorithm>
#include <dnnl.hpp>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "backends/cpu/onednn.h"
#include "core/error.h"
#include "device/device.h"

namespace gabor::cpu {
namespace {

using dnnl::memory;
using Desc = memory::desc;
constexpr auto kFloat = memory::data_type::f32;

// --- what differs between oneDNN 2 and 3 -------------------------------------------------------------------

struct Geometry {
  memory::dims stride, dilation, before, after;
};

dnnl::convolution_forward::primitive_desc forward_desc(const dnnl::engine& e, const Desc& x, const Desc& w,
                                                       const Desc& b, const Desc& y, const Geometry& g,
                                                       const dnnl::primitive_attr& a) {
  constexpr auto kind = dnnl::prop_kind::forward_training;
  constexpr auto direct = dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
  return {e, kind, direct, x, w, b, y, g.stride, g.dilation, g.before, g.after, a};
#else
  return {{kind, direct, x, w, b, y, g.stride, g.dilation, g.before, g.after}, a, e};
#endif
}

dnnl::convolution_backward_data::primitive_desc data_desc(
    const dnnl::engine& e, const Desc& dx, const Desc& w, const Desc& dy, const Geometry& g,
    const dnnl::primitive_attr& a, const dnnl::convolution_forward::primitive_desc& hint) {
  constexpr auto direct = dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
  return {e, direct, dx, w, dy, g.stride, g.dilation, g.before, g.after, hint, a};
#else
  return {{direct, dx, w, dy, g.stride, g.dilation, g.before, g.after}, a, e, hint};
#endif
}

dnnl::convolution_backward_weights::primitive_desc weights_desc(
    const dnnl::engine& e, const Desc& x, const Desc& dw, const Desc& db, const Desc& dy, const Geometry& g,
    const dnnl::primitive_attr& a, const dnnl::convolution_forward::primitive_desc& hint) {
  constexpr auto direct = dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
  return {e, direct, x, dw, db, dy, g.stride, g.dilation, g.before, g.after, hint, a};
#else
  return {{direct, x, dw, db, dy, g.stride, g.dilation, g.before, g.after}, a, e, hint};
#endif
}

// -----------------------------------------------------------------------------------------------------------

struct Key {
  Conv2dProblem problem;
  Pass pass;
  friend bool operator==(const Key&, const Key&) = default;
};

struct KeyHash {
  size_t operator()(const Key& k) const {
    const Conv2dProblem& p = k.problem;
    uint64_t h = uint64_t(k.pass);
    for (int64_t v :
         {p.N, p.H, p.W, p.C, p.K, p.R, p.S, p.pad.top, p.pad.left, p.stride_h, p.dil_h, p.groups})
      h = (h ^ uint64_t(v)) * 0x9E3779B97F4A7C15u;
    return size_t(h ^ (h >> 32));
  }
};

// Memory handles of one run in progress. They are set to the caller's tensors before each run; a plan keeps
// as many as have ever run it at the same time.
struct Run {
  dnnl::stream stream;
  memory x, w, w_inner, b, y, scratch, reorder_scratch;
};

// One (problem, pass), ready to run. x, w, b, y stand for the gradients too: dgrad writes x, wgrad writes w
// and b.
struct Plan {
  std::string implementation;  // "" when oneDNN has none
  Pass pass = Pass::fprop;
  Desc x, w, w_inner, b, y, scratch, reorder_scratch;
  dnnl::primitive main, reorder;                       // reorder is empty when the inner layout of w is ours
  size_t b_offset = 0, scratch_offset = 0, bytes = 0;  // of the workspace; an inner w is at 0
  std::mutex mutex;
  std::vector<std::unique_ptr<Run>> idle;
};

memory::dims filter_strides(const Conv2dProblem& p) {
  const int64_t C = p.C / p.groups, filter = p.R * p.S * C;
  if (p.groups == 1) return {filter, 1, p.S * C, C};
  return {p.K / p.groups * filter, filter, 1, p.S * C, C};
}

void build(Plan& plan, const Conv2dProblem& p, const dnnl::engine& engine) {
  const int64_t G = p.groups;
  const memory::dims filter =
      G == 1 ? memory::dims{p.K, p.C, p.R, p.S} : memory::dims{G, p.K / G, p.C / G, p.R, p.S};
  plan.x = Desc({p.N, p.C, p.H, p.W}, kFloat, memory::format_tag::nhwc);
  plan.y = Desc({p.N, p.K, p.P(), p.Q()}, kFloat, memory::format_tag::nhwc);
  plan.b = Desc({p.K}, kFloat, memory::format_tag::x);
  plan.w = Desc(filter, kFloat, filter_strides(p));
  const Desc any(filter, kFloat, memory::format_tag::any);
  const Geometry g{{p.stride_h, p.stride_w},
                   {p.dil_h - 1, p.dil_w - 1},
                   {p.pad.top, p.pad.left},
                   {p.pad.bottom, p.pad.right}};
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);

  const auto forward = forward_desc(engine, plan.x, any, plan.b, plan.y, g, attr);
  const auto take = [&](const auto& desc, const Desc& inner, auto primitive) {
    plan.implementation = desc.impl_info_str();
    plan.w_inner = inner;
    plan.scratch = desc.scratchpad_desc();
    plan.main = primitive;
  };
  if (plan.pass == Pass::fprop) {
    take(forward, forward.weights_desc(), dnnl::convolution_forward(forward));
  } else if (plan.pass == Pass::dgrad) {
    const auto desc = data_desc(engine, plan.x, any, plan.y, g, attr, forward);
    take(desc, desc.weights_desc(), dnnl::convolution_backward_data(desc));
  } else {
    const auto desc = weights_desc(engine, plan.x, any, plan.b, plan.y, g, attr, forward);
    take(desc, desc.diff_weights_desc(), dnnl::convolution_backward_weights(desc));
  }
  size_t reorder_bytes = 0;
  if (plan.w_inner != plan.w) {
    const bool out = plan.pass == Pass::wgrad;
    const dnnl::reorder::primitive_desc desc(engine, out ? plan.w_inner : plan.w, engine,
                                             out ? plan.w : plan.w_inner, attr);
    plan.reorder = dnnl::reorder(desc);
    plan.reorder_scratch = desc.scratchpad_desc();
    reorder_bytes = plan.reorder_scratch.get_size();
  }
  plan.b_offset = plan.w_inner == plan.w ? 0 : aligned(plan.w_inner.get_size());
  plan.scratch_offset = plan.b_offset + aligned(plan.b.get_size());
  plan.bytes = plan.scratch_offset + aligned(std::max(plan.scratch.get_size(), reorder_bytes));
}

void check(dnnl_status_t status, const Plan& plan) {
  if (status != dnnl_success)
    fail(ErrorCode::device, "cpu", "oneDNN's {} {} failed: {}", plan.implementation, name_of(plan.pass),
         dnnl_status2str(status));
}

// A run's handles, borrowed from the plan and given back at the end of the scope.
class Lease {
 public:
  Lease(Plan& plan, const dnnl::engine& e) : plan_(plan) {
    {
      const std::lock_guard lock(plan.mutex);
      if (!plan.idle.empty()) {
        run_ = std::move(plan.idle.back());
        plan.idle.pop_back();
      }
    }
    if (run_) return;
    const auto handle = [&](const Desc& d) { return memory(d, e, DNNL_MEMORY_NONE); };
    run_ = std::make_unique<Run>(Run{dnnl::stream(e), handle(plan.x), handle(plan.w), handle(plan.w_inner),
                                     handle(plan.b), handle(plan.y), handle(plan.scratch),
                                     handle(plan.reorder_scratch)});
  }
  ~Lease() {
    const std::lock_guard lock(plan_.mutex);
    plan_.idle.push_back(std::move(run_));
  }
  Lease(const Lease&) = delete;
  Run* operator->() const { return run_.get(); }
  const Run& operator*() const { return *run_; }

 private:
  Plan& plan_;
  std::unique_ptr<Run> run_;
};

void set(memory& m, const void* data) { m.set_data_handle(const_cast<void*>(data)); }

// The C interface takes the arguments as an array on the stack; the C++ one builds two containers at each
// call.
template <size_t kCount>
void execute(const Plan& plan, const dnnl::primitive& primitive, const Run& run,
             const dnnl_exec_arg_t (&arguments)[kCount]) {
  check(dnnl_primitive_execute(primitive.get(), run.stream.get(), int(kCount), arguments), plan);
  check(dnnl_stream_wait(run.stream.get()), plan);
}

void execute_reorder(const Plan& plan, const Run& run, const memory& from, const memory& to) {
  execute(plan, plan.reorder, run,
          {{DNNL_ARG_FROM, from.get()},
           {DNNL_ARG_TO, to.get()},
           {DNNL_ARG_SCRATCHPAD, run.reorder_scratch.get()}});
}

}  // namespace

struct OneDnnConv2d::Plans {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  std::mutex mutex;
  std::unordered_map<Key, std::unique_ptr<Plan>, KeyHash> plans;

  Plan& find(const Conv2dProblem& problem, Pass pass) {
    Key key{problem, pass};
    key.problem.activation = {};  // applied outside
    const std::lock_guard lock(mutex);
    std::unique_ptr<Plan>& plan = plans[key];
    if (!plan) {
      auto made = std::make_unique<Plan>();
      made->pass = pass;
      try {
        build(*made, problem, engine);
      } catch (const dnnl::error&) {
        made->implementation.clear();  // oneDNN refuses: the caller asks implementation() and goes elsewhere
      }
      plan = std::move(made);
    }
    return *plan;
  }

  // Runs plan on tensors in the roles x, w, b, y (see Plan); b may be null.
  void run(const Conv2dProblem& p, Pass pass, const float* x, const float* w, const float* b, const float* y,
           void* workspace, Filters filters = Filters::reorder) {
    Plan& plan = find(p, pass);
    GABOR_CHECK(!plan.implementation.empty());
    auto* bytes = static_cast<char*>(workspace);
    const Lease run(plan, engine);
    set(run->x, x);
    set(run->y, y);
    set(run->w, w);
    set(run->w_inner, plan.reorder ? bytes : static_cast<const void*>(w));
    set(run->scratch, bytes + plan.scratch_offset);
    set(run->reorder_scratch, bytes + plan.scratch_offset);
    void* bias = b ? const_cast<float*>(b) : static_cast<void*>(bytes + plan.b_offset);
    if (!b && pass == Pass::fprop) std::fill_n(static_cast<float*>(bias), p.K, 0.0f);
    set(run->b, bias);

    if (plan.reorder && pass != Pass::wgrad && filters == Filters::reorder)
      execute_reorder(plan, *run, run->w, run->w_inner);
    const dnnl_exec_arg_t scratch{DNNL_ARG_SCRATCHPAD, run->scratch.get()};
    if (pass == Pass::fprop)
      execute(plan, plan.main, *run,
              {{DNNL_ARG_SRC, run->x.get()},
               {DNNL_ARG_WEIGHTS, run->w_inner.get()},
               {DNNL_ARG_BIAS, run->b.get()},
               {DNNL_ARG_DST, run->y.get()},
               scratch});
    else if (pass == Pass::dgrad)
      execute(plan, plan.main, *run,
              {{DNNL_ARG_DIFF_DST, run->y.get()},
               {DNNL_ARG_WEIGHTS, run->w_inner.get()},
               {DNNL_ARG_DIFF_SRC, run->x.get()},
               scratch});
    else
      execute(plan, plan.main, *run,
              {{DNNL_ARG_SRC, run->x.get()},
               {DNNL_ARG_DIFF_DST, run->y.get()},
               {DNNL_ARG_DIFF_WEIGHTS, run->w_inner.get()},
               {DNNL_ARG_DIFF_BIAS, run->b.get()},
               scratch});
    if (plan.reorder && pass == Pass::wgrad) execute_reorder(plan, *run, run->w_inner, run->w);
  }
};

OneDnnConv2d::OneDnnConv2d() : plans_(std::make_unique<Plans>()) {}
OneDnnConv2d::~OneDnnConv2d() = default;

const std::string& OneDnnConv2d::implementation(const Conv2dProblem& p, Pass pass) const {
  return plans_->find(p, pass).implementation;
}

size_t OneDnnConv2d::workspace_bytes(const Conv2dProblem& p, Pass pass) const {
  return plans_->find(p, pass).bytes;
}

void OneDnnConv2d::fprop(const Conv2dProblem& p, const float* x, const float* w, const float* b, float* y,
                         void* workspace, Filters filters) const {
  plans_->run(p, Pass::fprop, x, w, b, y, workspace, filters);
}

void OneDnnConv2d::dgrad(const Conv2dProblem& p, const float* dy, const float* w, float* dx, void* workspace,
                         Filters filters) const {
  plans_->run(p, Pass::dgrad, dx, w, nullptr, dy, workspace, filters);
}

void OneDnnConv2d::wgrad(const Conv2dProblem& p, const float* x, const float* dy, float* dw, float* db,
                         void* workspace) const {
  plans_->run(p, Pass::wgrad, x, dw, db, dy, workspace);
}

}  // namespace gabor::cpu
