#include "backends/cudnn/conv2d_plan.h"

#include "backends/cudnn/ops.h"
#include "core/error.h"
#include "core/text.h"

namespace gabor::cudnn {
namespace {

bool is_uneven(const Conv2dProblem& p) { return p.pad.top != p.pad.bottom || p.pad.left != p.pad.right; }

TensorExtent x_of(const Conv2dProblem& p) { return {p.N, p.H, p.W, p.C}; }
TensorExtent w_of(const Conv2dProblem& p) { return {p.K, p.R, p.S, p.C / p.groups}; }
TensorExtent y_of(const Conv2dProblem& p) { return {p.N, p.P(), p.Q(), p.K}; }

Staged staged_x(const Conv2dProblem& p, bool nchw) { return {nchw, is_uneven(p) ? p.pad : Padding{}}; }

// p as cuDNN sees it: padding that differs from side to side is in x already.
Conv2dProblem evenly_padded(Conv2dProblem p) {
  if (!is_uneven(p)) return p;
  const TensorExtent image = staged_extent(x_of(p), staged_x(p, false));
  p.H = image.H, p.W = image.W;
  p.pad = {};
  return p;
}

// A call's operands are in one pack, whichever of them is written.
void* any(const float* p) { return const_cast<float*>(p); }

bool are_aligned(const ConvOperands& o) {
  const auto is_aligned = [](const void* p) { return reinterpret_cast<uintptr_t>(p) % kAlignment == 0; };
  return is_aligned(o.x) && is_aligned(o.w) && is_aligned(o.y) && is_aligned(o.bias);
}

size_t bias_bytes(const Conv2dProblem& p) { return aligned(size_t(p.K) * sizeof(float)); }

}  // namespace

Conv2dStaging::Conv2dStaging(const CudnnApi& api, const Conv2dProblem& p, Pass pass, bool nchw,
                             bool results_apart)
    : x(api, x_of(p), {nchw, staged_x(p, nchw).pad, results_apart && pass == Pass::dgrad}, bytes),
      w(api, w_of(p), {nchw, {}, results_apart && pass == Pass::wgrad}, bytes),
      y(api, y_of(p), {nchw, {}, false}, bytes) {}

Conv2dPlan::Conv2dPlan(const Session& session, cudnnHandle_t handle, const Conv2dProblem& p, Pass pass)
    : problem_(p),
      pass_(pass),
      y_(make_tensor(session.dnn(), y_of(p))),
      bias_(make_tensor(session.dnn(), {1, 1, 1, p.K})) {
  if (pass == Pass::fprop && p.activation.kind != ActivationKind::none)
    activation_.emplace(make_activation_function(session.dnn(), p.activation.kind));
  choose(session, handle);
}

void Conv2dPlan::choose(const Session& session, cudnnHandle_t handle) {
  const CudnnOptions& options = session.options();
  const Conv2dProblem p = evenly_padded(problem_);
  std::vector<std::string> refused;
  // make(bytes that are left for the engine); when that is refused, the reason is kept.
  const auto attempt = [&](bool graph, size_t more, auto make) {
    staging_.emplace(session.dnn(), problem_, pass_, options.nchw, graph);
    const size_t taken = staging_->bytes + more;
    try {
      make(options.workspace_cap > taken ? options.workspace_cap - taken : 0);
    } catch (const Error& e) {
      if (e.code() != ErrorCode::device) throw;
      refused.push_back(e.what());
    }
  };
  const auto graph = [&](bool epilogue, Heuristics heuristics) {
    const GraphProblem problem{p, pass_, options.nchw, epilogue};
    attempt(true, epilogue ? bias_bytes(p) : 0, [&](size_t cap) {
      graph_ = std::make_unique<GraphConv2d>(session, handle, problem, heuristics, cap);
      epilogue_ = epilogue;
    });
  };
  // A fallback engine that fuses comes after a fast one that does not.
  for (const Heuristics heuristics : {Heuristics::mode_a, Heuristics::fallback})
    for (const bool epilogue : {true, false})
      if (options.graph && !graph_ && (!epilogue || (pass_ == Pass::fprop && has_epilogue(p))))
        graph(epilogue, heuristics);
  if (options.legacy && !graph_)
    attempt(false, 0, [&](size_t cap) { legacy_.emplace(session, handle, p, pass_, options.nchw, cap); });
  if (!graph_ && !legacy_)
    fail(ErrorCode::device, "cuDNN", "no {} of {}: {}", name_of(pass_), to_string(problem_),
         join(refused, "; "));
}

size_t Conv2dPlan::workspace_bytes() const {
  return staging_->bytes + (epilogue_ ? bias_bytes(problem_) : 0) +
         (graph_ ? graph_->workspace_bytes() : legacy_->workspace_bytes());
}

// Whether the graph ran, with its epilogue if it has one.
bool Conv2dPlan::run(const CudnnApi& api, cudnnHandle_t handle, void* workspace, const ConvOperands& operands,
                     const float* beta) const {
  const size_t before = staging_->bytes + (epilogue_ ? bias_bytes(problem_) : 0);
  void* const own = static_cast<char*>(workspace) + before;
  if (!are_aligned(operands))
    fail(ErrorCode::device, "cuDNN", "a tensor of {} is not aligned to {} bytes", to_string(problem_),
         kAlignment);
  if (graph_)
    graph_->run(handle, operands, own);
  else
    legacy_->run(api, handle, operands, beta, own);
  return graph_ != nullptr;
}

// K zeros, for a graph that adds a bias where the caller has none.
float* Conv2dPlan::zeros(const CudnnApi& api, cudnnHandle_t handle, void* workspace) const {
  auto* const to = reinterpret_cast<float*>(static_cast<char*>(workspace) + staging_->bytes);
  api.check(api.SetTensor(handle, bias_.get(), to, &kZero), "SetTensor");
  return to;
}

void Conv2dPlan::finish(const CudnnApi& api, cudnnHandle_t handle, const float* b, float* y) const {
  if (b) api.check(api.AddTensor(handle, &kOne, bias_.get(), b, &kOne, y_.get(), y), "AddTensor");
  if (activation_)
    api.check(api.ActivationForward(handle, activation_->get(), &kOne, y_.get(), y, &kZero, y_.get(), y),
              "ActivationForward");
}

void Conv2dPlan::fprop(const Session& session, Context& context, const float* x, const float* w,
                       const float* b, float* y) const {
  const CudnnApi& api = session.dnn();
  cudnnHandle_t handle = session.dnn(context);
  void* const ws = context.workspace;
  constexpr GradMode kMode = GradMode::overwrite;
  ConvOperands o{any(staging_->x.read(api, handle, ws, x)), any(staging_->w.read(api, handle, ws, w)),
                 staging_->y.place(ws, y, kMode)};
  if (epilogue_) o.bias = b ? any(b) : zeros(api, handle, ws);
  const bool finished = run(api, handle, ws, o, &kZero) && epilogue_;
  staging_->y.take_back(api, handle, ws, y, kMode);
  if (!finished) finish(api, handle, b, y);
}

void Conv2dPlan::dgrad(const Session& session, Context& context, const float* dy, const float* w, float* dx,
                       GradMode mode) const {
  const CudnnApi& api = session.dnn();
  cudnnHandle_t handle = session.dnn(context);
  void* const ws = context.workspace;
  run(api, handle, ws,
      {staging_->x.place(ws, dx, mode), any(staging_->w.read(api, handle, ws, w)),
       any(staging_->y.read(api, handle, ws, dy))},
      staging_->x.beta(mode));
  staging_->x.take_back(api, handle, ws, dx, mode);
}

void Conv2dPlan::wgrad(const Session& session, Context& context, const float* x, const float* dy, float* dw,
                       float* db, GradMode mode) const {
  const CudnnApi& api = session.dnn();
  cudnnHandle_t handle = session.dnn(context);
  void* const ws = context.workspace;
  run(api, handle, ws,
      {any(staging_->x.read(api, handle, ws, x)), staging_->w.place(ws, dw, mode),
       any(staging_->y.read(api, handle, ws, dy))},
      staging_->w.beta(mode));
  staging_->w.take_back(api, handle, ws, dw, mode);
  if (db)
    api.check(api.ConvolutionBackwardBias(handle, &kOne, y_.get(), dy, beta_of(mode), bias_.get(), db),
              "ConvolutionBackwardBias");
}

}  // namespace gabor::cudnn
