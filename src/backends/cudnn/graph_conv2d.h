// A pass of a convolution by cuDNN's graph API: a description of the operations, for which cuDNN's heuristics name engines.
// NVIDIA's cudnn-frontend headers make the descriptors; graph_conv2d.cpp alone includes them. A build without them has
// graph_conv2d_none.cpp in its place, which refuses everything.
#pragma once
#include <memory>
#include <string>

#include "backends/cudnn/session.h"
#include "ops/conv2d.h"

namespace gabor::cudnn {

// x, w and y are f32 and dense: N,H,W,C with K,R,S,C, or N,C,H,W with K,C,R,S.
struct GraphProblem {
  Conv2dProblem conv;  // padding alike on both sides; its activation counts only in an epilogue
  Pass pass = Pass::fprop;
  bool nchw = false;
  bool epilogue = false;  // of fprop: bias and activation in the same graph, where has_epilogue(conv)
};

// Where the engines come from: those that cuDNN believes fastest, or those that take almost anything.
enum class Heuristics : uint8_t { mode_a, fallback };

// Of activations ReLU alone: the engines' tanh has lost half of float's digits where it is near 0.
inline bool has_epilogue(const Conv2dProblem& p) {
  return p.activation.kind == ActivationKind::none || p.activation.kind == ActivationKind::relu;
}

// What a call reads and writes, in device memory; bias (K) for an epilogue only.
struct ConvOperands {
  void *x, *w, *y, *bias = nullptr;
};

class GraphConv2d {
 public:
  // The first engine in the order of the heuristics that is deterministic, computes in the session's math mode, needs at
  // most workspace_cap bytes and can be built. Throws Error{device} with the reason when there is none.
  GraphConv2d(const Session& session, cudnnHandle_t handle, const GraphProblem& p, Heuristics heuristics,
              size_t workspace_cap);
  ~GraphConv2d();

  const std::string& kernel() const;  // "graph: eng4_k2=1", "graph fallback: eng0, with bias and relu"
  size_t workspace_bytes() const;
  // Overwrites y (fprop), x (dgrad) or w (wgrad). Throws Error{device}.
  void run(cudnnHandle_t handle, const ConvOperands& operands, void* workspace) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Builds the graph and lets the frontend validate it, which needs neither cuDNN nor a GPU. Throws Error{device}.
void validate_graph(const GraphProblem& p);

}  // namespace gabor::cudnn
