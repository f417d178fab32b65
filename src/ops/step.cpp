#include "ops/step.h"

namespace gabor {

TensorView Run::view(const std::vector<TensorView>& views, TensorId id) const {
  if (id == kNoTensor) return {};
  TensorView v = views[size_t(id)];
  if (v && table_[id].batched) v.shape[0] = batch;
  return v;
}

GradMode Run::claim(TensorId id) {
  const TensorId root = table_.root(id);
  if (table_[root].role == TensorRole::parameter)
    return first_chunk > 0 ? GradMode::accumulate : GradMode::overwrite;
  const bool again = written_[size_t(root)];
  written_[size_t(root)] = true;
  return again ? GradMode::accumulate : GradMode::overwrite;
}

std::string Step::title(bool backward) const {
  return layer + " " + op() + (backward ? " backward" : " forward");
}

ChoiceRecord Step::record(const char* pass) const {
  ChoiceRecord r;
  r.where = *pass ? layer + " " + pass : layer;
  r.op = op();
  r.problem = problem();
  return r;
}

}  // namespace gabor
