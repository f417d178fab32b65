#include "cli/train_report.h"

#include "core/error.h"
#include "core/text.h"
#include "report/html_report.h"

namespace gabor {
namespace {

ReportedResult named(const std::string& part, const EvalResult& r, const Dataset& dataset) {
  ReportedResult out{part, r, {}};
  for (const EvalResult::Mistake& m : r.worst)
    out.mistakes.push_back({dataset.name(m.sample), m.label, m.predicted, m.probability});
  return out;
}

// The first filters of the net, on the host; empty when it has none.
struct Filters {
  std::vector<float> data;
  Shape shape;
};

Filters first_filters(const Parameters& parameters) {
  for (const ParameterDecl& d : parameters.decls())
    if (d.shape.rank() == 4) {
      Filters f{std::vector<float>(size_t(d.shape.count())), d.shape};
      parameters.device().copy_from(f.data.data(), parameters.value(d).data, f.data.size() * sizeof(float));
      return f;
    }
  return {};
}

std::string state_text(const TrainOutcome& o) {
  const Progress& p = o.result.progress;
  return o.result.stopped ? fmt::format("stopped in epoch {} of {}", p.epoch + 1, o.settings->train.epochs)
                          : fmt::format("finished after {} epoch{}, {} steps", p.epoch,
                                        p.epoch == 1 ? "" : "s", with_commas(p.global_step));
}

}  // namespace

void write_report(const TrainOutcome& o, const RunRecorder& recorder, const Parameters& parameters) {
  HtmlReport r;
  const Dataset& dataset = *o.data->dataset;
  r.title = o.plan->graph.name + " on " +
            (o.settings->data.empty() ? "the embedded demo set"
                                      : o.settings->data.substr(o.settings->data.rfind('/') + 1));
  r.state = state_text(o);
  r.plan = o.plan;
  r.run = recorder.info;
  r.epochs = o.epochs;
  if (o.result.validation.samples > 0)
    r.results.push_back(
        named(fmt::format("validation after epoch {}",
                          o.result.epochs.empty() ? o.result.progress.epoch : o.result.epochs.back().epoch),
              o.result.validation, dataset));
  if (o.test) r.results.push_back(named("test, best checkpoint", *o.test, dataset));
  const Filters filters = first_filters(parameters);
  if (!filters.data.empty()) r.filters = {filters.data.data(), filters.shape, DType::f32};
  r.shadow = o.shadow;
  r.warnings = recorder.warnings;
  r.command = repeat_command(*o.settings, o.program);
  r.config = o.settings->train.config_text;
  r.versions = {{"gabor", GABOR_VERSION}, {"compiler", __VERSION__}, {"device", recorder.info.device}};
  const std::string page = html_report(r);
  write_atomically(o.folder + "/report.html", {reinterpret_cast<const uint8_t*>(page.data()), page.size()});
}

}  // namespace gabor
