#include "backends/cudnn/graph_conv2d.h"

#include <cudnn_frontend.h>
#include <dlfcn.h>

#include <algorithm>
#include <mutex>

#include "core/error.h"
#include "core/text.h"

// Where the frontend looks for cuDNN's functions, under a name that it prescribes. It keeps what it found for the life of
// the process: see use_library.
namespace cudnn_frontend {
void* cudnn_dlhandle = nullptr;
}

namespace gabor::cudnn {
namespace {

namespace fe = cudnn_frontend;
using Graph = fe::graph::Graph;
using FeTensor = std::shared_ptr<fe::graph::Tensor_attributes>;
enum Uid : int64_t { kX = 1, kW, kY, kBias };

// The frontend's messages have several lines, and its name in them.
std::string first_line(std::string said) {
  constexpr std::string_view kPrefix = "[cudnn_frontend] Error: ";
  if (said.starts_with(kPrefix)) said.erase(0, kPrefix.size());
  return said.substr(0, said.find('\n'));
}

template <class... Args>
[[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) {
  fail(ErrorCode::device, "cuDNN graph", format, std::forward<Args>(args)...);
}

// f() by the frontend, whose errors come as values and as exceptions.
template <class F>
void check(const char* stage, F f) {
  std::string said;
  try {
    fe::error_t error = f();
    if (error.is_good()) return;
    said = error.get_message();
  } catch (const std::exception& e) {
    said = e.what();
  }
  refuse("{} failed: {}", stage, first_line(said));
}

// The library is never unloaded from here on, and there is only one: the frontend would call the functions of the first.
void use_library(const SharedLibrary& library) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  void* handle = dlopen(library.file().c_str(), RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
  if (handle) dlclose(handle);
  if (!handle || (fe::cudnn_dlhandle && fe::cudnn_dlhandle != handle))
    refuse("{} is not the cuDNN that this process uses for graphs", library.file());
  fe::cudnn_dlhandle = handle;
}

// cuDNN's order of extents is N,C,H,W (K,C,R,S) in either layout; the strides tell.
fe::graph::Tensor_attributes tensor(const char* name, Uid uid, const TensorExtent& e) {
  const TensorStrides s = strides_of(e);
  return fe::graph::Tensor_attributes()
      .set_name(name)
      .set_uid(uid)
      .set_dim({e.N, e.C, e.H, e.W})
      .set_stride({s.image, s.channel, s.row, s.column});
}

template <class Attributes>
Attributes attributes(const Conv2dProblem& p) {
  return Attributes()
      .set_pre_padding({p.pad.top, p.pad.left})
      .set_post_padding({p.pad.bottom, p.pad.right})
      .set_stride({p.stride_h, p.stride_w})
      .set_dilation({p.dil_h, p.dil_w});
}

// `result` of an operation becomes the graph's.
void output(const FeTensor& result, const char* name, Uid uid, const TensorExtent& e) {
  const fe::graph::Tensor_attributes wanted = tensor(name, uid, e);
  result->set_output(true)
      .set_name(name)
      .set_uid(uid)
      .set_dim(wanted.get_dim())
      .set_stride(wanted.get_stride());
}

// p: of none that has_epilogue() refuses.
FeTensor with_epilogue(Graph& graph, const Conv2dProblem& p, FeTensor y) {
  using fe::graph::Pointwise_attributes;
  const FeTensor bias = graph.tensor(tensor("bias", kBias, {1, 1, 1, p.K}));
  y = graph.pointwise(y, bias, Pointwise_attributes().set_mode(fe::PointwiseMode_t::ADD));
  if (p.activation.kind == ActivationKind::none) return y;
  return graph.pointwise(y, Pointwise_attributes().set_mode(fe::PointwiseMode_t::RELU_FWD));
}

void describe(Graph& graph, const GraphProblem& problem) {
  const Conv2dProblem& p = problem.conv;
  const bool nchw = problem.nchw;
  const TensorExtent x{.N = p.N, .H = p.H, .W = p.W, .C = p.C, .nchw = nchw},
      w{.N = p.K, .H = p.R, .W = p.S, .C = p.C / p.groups, .nchw = nchw},
      y{.N = p.N, .H = p.P(), .W = p.Q(), .C = p.K, .nchw = nchw};
  graph.set_io_data_type(fe::DataType_t::FLOAT)
      .set_intermediate_data_type(fe::DataType_t::FLOAT)
      .set_compute_data_type(fe::DataType_t::FLOAT);
  // Captures of a step do not outlive the backend, nor therefore its plans.
  graph.set_cuda_graph_retention(fe::CudaGraphRetention_t::NONE);
  const auto input = [&](const char* name, Uid uid, const TensorExtent& e) {
    return graph.tensor(tensor(name, uid, e));
  };
  switch (problem.pass) {
    case Pass::fprop: {
      FeTensor result = graph.conv_fprop(input("x", kX, x), input("w", kW, w),
                                         attributes<fe::graph::Conv_fprop_attributes>(p));
      if (problem.epilogue) {
        const fe::graph::Tensor_attributes like = tensor("conv", kY, y);
        result->set_dim(like.get_dim()).set_stride(like.get_stride());
        result = with_epilogue(graph, p, result);
      }
      return output(result, "y", kY, y);
    }
    case Pass::dgrad:
      return output(graph.conv_dgrad(input("dy", kY, y), input("w", kW, w),
                                     attributes<fe::graph::Conv_dgrad_attributes>(p)),
                    "dx", kX, x);
    case Pass::wgrad:
      return output(graph.conv_wgrad(input("dy", kY, y), input("x", kX, x),
                                     attributes<fe::graph::Conv_wgrad_attributes>(p)),
                    "dw", kW, w);
  }
}

// What an engine may not do. f32 goes through tensor cores as TF32 only, so without TF32 those that use them are out; FFT
// and the largest Winograd tiles have errors that no bound on a single sum holds.
std::vector<fe::NumericalNote_t> barred(bool allow_tf32) {
  using Note = fe::NumericalNote_t;
  std::vector<Note> notes{
      Note::NONDETERMINISTIC,  Note::DOWN_CONVERT_INPUTS, Note::REDUCED_PRECISION_REDUCTION, Note::FFT,
      Note::WINOGRAD_TILE_6x6, Note::WINOGRAD_TILE_13x13};
  if (!allow_tf32) notes.push_back(Note::TENSOR_CORE);
  return notes;
}

// Engines that no note gives away. An H100's eng17 of cuDNN 9.19 has dw of 1e-4 where every product is 0.
std::vector<std::string> unsound(Pass pass) {
  return pass == Pass::wgrad ? std::vector<std::string>{"eng17"} : std::vector<std::string>{};
}

std::string kernel_of(const Graph& graph, int64_t plan, const GraphProblem& p, Heuristics heuristics) {
  std::string engine;
  check("get_plan_name", [&] { return graph.get_plan_name_at_index(plan, engine); });
  std::string name = (heuristics == Heuristics::mode_a ? "graph: " : "graph fallback: ") + engine;
  if (!p.epilogue) return name;
  const ActivationKind kind = p.conv.activation.kind;
  return name + ", with bias" + (kind == ActivationKind::none ? "" : std::string(" and ") + name_of(kind));
}

}  // namespace

struct GraphConv2d::Impl {
  Graph graph;
  int64_t plan = 0;
  std::string kernel;
  size_t workspace_bytes = 0;
};

GraphConv2d::GraphConv2d(const Session& session, cudnnHandle_t handle, const GraphProblem& p,
                         Heuristics heuristics, size_t workspace_cap)
    : impl_(std::make_unique<Impl>()) {
  use_library(session.dnn().library);
  Graph& graph = impl_->graph;
  describe(graph, p);
  check("validation", [&] { return graph.validate(); });
  check("the operation graph", [&] { return graph.build_operation_graph(handle); });
  const auto mode = heuristics == Heuristics::mode_a ? fe::HeurMode_t::A : fe::HeurMode_t::FALLBACK;
  check("heuristics", [&] { return graph.create_execution_plans({mode}); });
  graph.deselect_numeric_notes(barred(session.options().allow_tf32));
  graph.deselect_workspace_greater_than(int64_t(workspace_cap));
  graph.deselect_engines(unsound(p.pass));
  const int64_t count = graph.get_execution_plan_count();
  std::string said;
  for (int64_t& i = impl_->plan; i < count; i++) {
    try {
      check("a plan", [&] { return graph.build_plan_at_index(i); });
      impl_->kernel = kernel_of(graph, i, p, heuristics);
      impl_->workspace_bytes = size_t(std::max<int64_t>(0, graph.get_workspace_size_plan_at_index(i)));
      return;
    } catch (const Error& e) {
      said = e.what();
    }
  }
  refuse("none of {} engines is deterministic, computes in {} and needs at most {} ({})", count,
         session.options().allow_tf32 ? "tf32" : "fp32", human_bytes(double(workspace_cap)), said);
}

GraphConv2d::~GraphConv2d() = default;
const std::string& GraphConv2d::kernel() const { return impl_->kernel; }
size_t GraphConv2d::workspace_bytes() const { return impl_->workspace_bytes; }

void GraphConv2d::run(cudnnHandle_t handle, const ConvOperands& o, void* workspace) const {
  std::unordered_map<int64_t, void*> pack{{kX, o.x}, {kW, o.w}, {kY, o.y}};
  if (o.bias) pack[kBias] = o.bias;
  check(impl_->kernel.c_str(),
        [&] { return impl_->graph.execute_plan_at_index(handle, pack, workspace, impl_->plan); });
}

void validate_graph(const GraphProblem& p) {
  Graph graph;
  describe(graph, p);
  check("validation", [&] { return graph.validate(); });
}

}  // namespace gabor::cudnn
