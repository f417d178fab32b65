#include "model/plan.h"

#include <map>
#include <set>

#include "core/error.h"
#include "core/text.h"
#include "layers/layer.h"
#include "model/fusion.h"
#include "ops/steps/elementwise_steps.h"
#include "ops/steps/loss_step.h"

namespace gabor {
namespace {

// Emits the picture's way in, then every layer; returns the last layer's output.
TensorId emit_layers(const Graph& graph, const PlanOptions& o, Emitter& e, Plan& plan) {
  const Shape& in = o.input;
  e.begin_layer("input", "input", "");
  plan.image = e.tensor({"image", in, o.input_dtype, TensorRole::image});
  TensorId x = plan.image;
  if (o.input_dtype == DType::u8) {
    x = e.activation("", in, false);
    e.step<NormalizeStep>(o.normalize, in[2], plan.image, x);
  }
  e.end_layer(x);

  std::map<std::string, TensorId> outputs;
  std::set<TensorId> read;
  for (const LayerSpec& spec : graph.layers) {
    const auto layer = make_layer(spec, graph.source);
    std::vector<TensorId> inputs;
    for (const std::string& name : spec.from) {
      const auto it = outputs.find(name);
      if (it == outputs.end()) {
        std::vector<std::string> known;
        for (const auto& [k, v] : outputs) known.push_back(k);
        fail(ErrorCode::usage, layer_place(spec, graph.source),
             "from = '{}': no layer of that name before this one{}", name, suggestion(name, known));
      }
      inputs.push_back(it->second);
    }
    if (inputs.empty()) inputs.push_back(x);
    read.insert(inputs.begin(), inputs.end());
    if (int(inputs.size()) != layer->inputs())
      fail(ErrorCode::usage, layer_place(spec, graph.source), "a {} layer has {} input{}, but from names {}",
           spec.type, layer->inputs(), layer->inputs() == 1 ? "" : "s", inputs.size());
    e.begin_layer(spec.name, spec.type, spec.backend);
    x = layer->emit(e, inputs);
    e.end_layer(x);
    outputs[spec.name] = x;
  }
  for (const LayerSpec& spec : graph.layers)
    if (outputs[spec.name] != x && !read.count(outputs[spec.name]))
      fail(ErrorCode::usage, layer_place(spec, graph.source),
           "nobody reads its output; name it in another layer's from, or leave it out");
  return x;
}

void check_output(const Graph& graph, const Shape& out, int64_t classes) {
  const std::string last =
      graph.layers.empty() ? graph.source : layer_place(graph.layers.back(), graph.source);
  if (out.rank() != 1)
    fail(ErrorCode::usage, last,
         "the net ends in a map of {}; end it with flatten or global_pool and a dense layer", out.str());
  if (out[0] != classes)
    fail(ErrorCode::usage, last,
         "the net ends in {} output{} but there are {} classes; use units = \"classes\"", out[0],
         out[0] == 1 ? "" : "s", classes);
}

// Ends the plan: loss for training; probabilities, and the loss beside them, otherwise.
void emit_ending(Emitter& e, Plan& plan, TensorId y) {
  const PlanOptions& o = plan.options;
  const int64_t classes = plan.graph.classes;
  e.begin_layer("loss", "loss", "");
  const LossProblem loss{o.loss, o.batch, classes, o.label_smoothing, o.training && o.two_labels};
  plan.labels = e.tensor({"labels", loss.labels_shape().drop_first(), DType::i32, TensorRole::label});
  plan.loss = e.tensor({"loss", {1}, DType::f32, TensorRole::result, false});
  plan.counts = e.tensor({"counts", {2}, DType::i32, TensorRole::result, false});

  auto* last = e.steps().empty() ? nullptr : dynamic_cast<SoftmaxStep*>(e.steps().back().get());
  TensorId logits = last && last->y() == y ? last->x() : y;
  TensorId probabilities = last && last->y() == y ? y : kNoTensor;
  const bool xent = o.loss == LossKind::softmax_xent;
  if (o.training && xent && probabilities != kNoTensor) e.steps().pop_back();  // the loss has its own softmax
  if (!o.training && probabilities == kNoTensor) {
    probabilities = xent ? e.activation(".softmax", {classes}, false) : y;
    if (xent) e.step<SoftmaxStep>(SoftmaxProblem{o.batch, classes}, y, probabilities);
  }
  const TensorId scored = xent ? logits : y;
  e.step<LossStep>(loss, scored, plan.labels, plan.loss, plan.counts);
  plan.logits = scored;
  plan.output = o.training ? scored : probabilities;
}

}  // namespace

int64_t Plan::parameter_count() const {
  int64_t n = 0;
  for (const auto& p : parameters) n += p.shape.count();
  return n;
}

int64_t Plan::trainable_count() const {
  int64_t n = 0;
  for (const auto& p : parameters) n += p.trainable ? p.shape.count() : 0;
  return n;
}

Plan compile(const Graph& given, const Library& backends, const PlanOptions& options) {
  // What is validated, evaluated and tested by itself is the net in fp32, so that it can be had everywhere alike.
  const Library library = options.training ? backends : backends.in_precision("fp32");
  Plan plan;
  plan.options = options;
  PlanOptions& o = plan.options;
  if (o.batch < 1) fail(ErrorCode::usage, "--batch", "{} is not a batch size; must be at least 1", o.batch);
  if (o.input.rank() == 0) o.input = given.input;
  if (o.input.rank() != 3)
    fail(ErrorCode::usage, given.source,
         "the model has no input size of its own; add --input HxWxC (or --size HxW)");
  if (o.classes == 0) o.classes = given.classes;
  if (o.classes < 1)
    fail(ErrorCode::usage, given.source, "the number of classes is not known; add --classes N");
  if (o.classes == 1)
    fail(ErrorCode::usage, given.source,
         "1 class: a softmax over 1 unit is always 1, so the loss and its gradient are 0 and nothing can be "
         "learnt; use one class for each kind of picture (2 for cats and dogs)");
  plan.graph = with_classes(given, o.classes);
  for (const LayerSpec& spec : plan.graph.layers)
    library.check_name(spec.backend, layer_place(spec, plan.graph.source));

  Emitter e(o.batch);
  const TensorId y = emit_layers(plan.graph, o, e, plan);
  check_output(plan.graph, e.shape(y), o.classes);
  plan.layers = e.notes();
  emit_ending(e, plan, y);

  plan.table = std::move(e.table());
  plan.steps = std::move(e.steps());
  plan.parameters = std::move(e.parameters());
  plan.parameter_elements = e.parameter_elements();
  if (o.fuse) plan.fusions = fuse_steps(plan.steps, plan.table, library, o.training);
  for (const auto& s : plan.steps) s->choose(library, plan.table, o.training, plan.choices);
  const std::vector<TensorId> pinned{plan.output, plan.logits, plan.loss, plan.counts};
  std::vector<bool> dropped(plan.steps.size(), false);
  if (o.training && o.arena_limit != kNoArenaLimit)
    dropped = choose_dropped(plan.table, plan.steps, o.batch, pinned, o.arena_limit);
  plan.schedule = make_schedule(plan.table, plan.steps, o.training, dropped);
  plan.memory = plan_memory(plan.table, plan.steps, plan.schedule, o.batch, pinned);
  return plan;
}

}  // namespace gabor
