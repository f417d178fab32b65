// In place of graph_conv2d.cpp where the cudnn-frontend headers are missing.
#include "backends/cudnn/graph_conv2d.h"
#include "core/error.h"

namespace gabor::cudnn {
namespace {
[[noreturn]] void refuse() {
  fail(ErrorCode::device, "cuDNN graph",
       "built without the cudnn-frontend headers (tools/dev/cudnn_frontend fetches them)");
}
}  // namespace

struct GraphConv2d::Impl {};

GraphConv2d::GraphConv2d(const Session&, cudnnHandle_t, const GraphProblem&, Heuristics, size_t) { refuse(); }
GraphConv2d::~GraphConv2d() = default;
const std::string& GraphConv2d::kernel() const { refuse(); }
size_t GraphConv2d::workspace_bytes() const { refuse(); }
void GraphConv2d::run(cudnnHandle_t, const ConvOperands&, void*) const { refuse(); }
void validate_graph(const GraphProblem&) { refuse(); }

}  // namespace gabor::cudnn
