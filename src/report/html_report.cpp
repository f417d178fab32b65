#include "report/html_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "core/text.h"
#include "report/html_style.h"
#include "report/html_text.h"
#include "report/svg_chart.h"
#include "report/svg_grid.h"

namespace gabor {
namespace {

constexpr size_t kMaxMistakes = 16;

std::string h(const std::string& text) { return html_escape(text); }

std::string percent(double share) { return std::isnan(share) ? "-" : fmt::format("{:.2f} %", 100 * share); }

std::string figure(const std::string& value, const std::string& what) {
  return fmt::format("<div class=\"figure\"><b>{}</b><span>{}</span></div>\n", h(value), h(what));
}

std::string head(const HtmlReport& r) {
  std::string out = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" "
      "content=\"width=device-width, initial-scale=1\"/>\n<title>{0}</title>\n<style>{1}</style>\n</head>\n"
      "<body>\n<main>\n<h1>{0}</h1>\n<p class=\"soft\">{2} &#183; {3}</p>\n",
      h(r.title), kReportCss, h(r.state), h(r.run.device));
  out += "<div class=\"figures\">\n";
  const auto best = std::max_element(r.epochs.begin(), r.epochs.end(), [](const auto& a, const auto& b) {
    return std::isnan(a.val_acc) || a.val_acc < b.val_acc;
  });
  if (best != r.epochs.end() && !std::isnan(best->val_acc))
    out += figure(percent(best->val_acc), fmt::format("validation accuracy, best (epoch {})", best->epoch));
  for (const ReportedResult& m : r.results)
    // Not twice the same figure (metrics.csv keeps 7 digits).
    if (best == r.epochs.end() || !(std::abs(m.result.accuracy() - best->val_acc) < 1e-6))
      out += figure(percent(m.result.accuracy()), "accuracy: " + m.part);
  if (r.plan) out += figure(with_commas(r.plan->parameter_count()), "parameters");
  if (!r.epochs.empty()) {
    double seconds = 0;
    for (const EpochRecord& e : r.epochs) seconds += e.seconds;
    out += figure(human_seconds(seconds), "training time");
    out +=
        figure(fmt::format("{:.0f}/s", r.epochs.back().images_per_s),
               fmt::format("pictures, {:.0f} % of the time waiting for data", r.epochs.back().data_wait_pct));
  }
  return out + "</div>\n";
}

std::string curves(const HtmlReport& r) {
  if (r.epochs.empty()) return "";
  std::vector<int> x;
  Curve loss[2] = {{"training", "train", {}}, {"validation", "val", {}}};
  Curve acc[2] = {loss[0], loss[1]};
  for (const EpochRecord& e : r.epochs) {
    x.push_back(e.epoch);
    loss[0].y.push_back(e.train_loss), loss[1].y.push_back(e.val_loss);
    acc[0].y.push_back(e.train_acc), acc[1].y.push_back(e.val_acc);
  }
  std::string out = "<h2>Curves</h2>\n<div class=\"pair\">\n";
  out += line_chart("Loss", x, {loss[0], loss[1]});
  out += line_chart("Accuracy", x, {acc[0], acc[1]});
  out += "</div>\n<details><summary>The numbers</summary>\n<div class=\"scroll\"><table>\n<tr>";
  for (const char* c : {"epoch", "train loss", "train accuracy", "val loss", "val accuracy", "rate", "time",
                        "pictures/s", "waiting", "decode ms", "resize ms"})
    out += fmt::format("<th class=\"n\">{}</th>", c);
  out += "</tr>\n";
  for (const EpochRecord& e : r.epochs) {
    out += fmt::format("<tr><td class=\"n\">{}</td><td class=\"n\">{:.4f}</td><td class=\"n\">{:.4f}</td>",
                       e.epoch, e.train_loss, e.train_acc);
    for (double v : {e.val_loss, e.val_acc})
      out += fmt::format("<td class=\"n\">{}</td>", std::isnan(v) ? "-" : fmt::format("{:.4f}", v));
    out += fmt::format(
        "<td class=\"n\">{:.3g}</td><td class=\"n\">{}</td><td class=\"n\">{:.0f}</td><td class=\"n\">{:.0f} "
        "%</td>",
        e.lr, human_seconds(e.seconds), e.images_per_s, e.data_wait_pct);
    for (double v : {e.picture.decode_ms, e.picture.resize_ms})
      out += fmt::format("<td class=\"n\">{}</td>", std::isnan(v) ? "-" : fmt::format("{:.3g}", v));
    out += "</tr>\n";
  }
  return out + "</table></div></details>\n";
}

std::string class_table(const EvalResult& e, const std::vector<std::string>& classes) {
  std::string out =
      "<div class=\"scroll\"><table>\n<tr><th>class</th><th class=\"n\">pictures</th><th "
      "class=\"n\">precision</th><th class=\"n\">recall</th></tr>\n";
  for (int k = 0; k < e.classes; k++) {
    int64_t n = 0;
    for (int p = 0; p < e.classes; p++) n += e.confusion[size_t(k) * size_t(e.classes) + size_t(p)];
    out += fmt::format(
        "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>\n",
        h(classes[size_t(k)]), n, percent(e.precision(k)), percent(e.recall(k)));
  }
  return out + "</table></div>\n";
}

std::string mistakes(const ReportedResult& m, const std::vector<std::string>& classes) {
  if (m.mistakes.empty()) return "";
  std::string out =
      "<h3>Most confident mistakes</h3>\n<div "
      "class=\"scroll\"><table>\n<tr><th>picture</th><th>is</th><th>taken "
      "for</th><th class=\"n\">probability</th></tr>\n";
  for (size_t i = 0; i < std::min(kMaxMistakes, m.mistakes.size()); i++) {
    const NamedMistake& x = m.mistakes[i];
    out +=
        fmt::format("<tr><td><code>{}</code></td><td>{}</td><td>{}</td><td class=\"n\">{:.4f}</td></tr>\n",
                    h(x.file), h(classes[size_t(x.label)]), h(classes[size_t(x.predicted)]), x.probability);
  }
  return out + "</table></div>\n";
}

std::string results(const HtmlReport& r) {
  std::string out;
  for (const ReportedResult& m : r.results) {
    out += fmt::format("<h2>Result: {}</h2>\n<p>{} of {} pictures right ({}), loss {:.4f}.", h(m.part),
                       with_commas(m.result.correct), with_commas(m.result.samples),
                       percent(m.result.accuracy()), m.result.loss);
    if (m.result.classes > 5) out += fmt::format(" Among the five likeliest: {}.", percent(m.result.top5()));
    out +=
        "</p>\n<div class=\"pair\">\n<div><h3>Confusion matrix</h3>\n<p class=\"soft\">Rows: what it is. "
        "Columns: what it was taken for.</p>\n";
    out += confusion_matrix(m.result, r.run.classes);
    out += "</div>\n<div><h3>By class</h3>\n" + class_table(m.result, r.run.classes) + "</div>\n</div>\n";
    out += mistakes(m, r.run.classes);
  }
  return out;
}

std::string model(const HtmlReport& r) {
  if (!r.plan) return "";
  std::string out = fmt::format(
      "<h2>Model</h2>\n<p>{}, input {} (height, width, channels), {} parameters.</p>\n<div "
      "class=\"scroll\"><table>\n"
      "<tr><th>layer</th><th>type</th><th class=\"n\">output</th><th "
      "class=\"n\">parameters</th><th></th></tr>\n",
      h(r.plan->graph.name), r.plan->options.input.str(), with_commas(r.plan->parameter_count()));
  for (const LayerNote& l : r.plan->layers)
    out += fmt::format(
        "<tr><td>{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td "
        "class=\"soft\">{}</td></tr>\n",
        h(l.name), h(l.type), l.output.str(), with_commas(l.parameters), h(l.remark));
  out += "</table></div>\n";
  if (r.filters) out += "<h3>First-layer filters</h3>\n" + filter_tiles(r.filters);
  return out;
}

std::string data(const HtmlReport& r) {
  std::string classes;
  for (const std::string& c : r.run.classes) classes += (classes.empty() ? "" : ", ") + h(c);
  const Preprocess& p = r.run.preprocess;
  return fmt::format(
      "<h2>Data</h2>\n<table>\n<tr><th>pictures</th><td>{} training, {} validation, {} test</td></tr>\n"
      "<tr><th>split</th><td>{}</td></tr>\n<tr><th>classes</th><td>{}: {}</td></tr>\n"
      "<tr><th>preprocessing</th><td>EXIF orientation applied; resized to {}x{} ({}), aspect ratio not kept; "
      "{}; "
      "pixels scaled: {}</td></tr>\n</table>\n",
      with_commas(r.run.train_samples), with_commas(r.run.val_samples), with_commas(r.run.test_samples),
      h(r.run.split_note), r.run.classes.size(), classes, p.height, p.width, name_of(p.resize),
      p.channels == 1 ? "gray" : "RGB",
      p.scaling == Scaling::unit       ? "to 0..1"
      : p.scaling == Scaling::centered ? "to -1..1"
                                       : "not at all (0..255)");
}

std::string choices(const HtmlReport& r) {
  if (!r.plan) return "";
  std::string out =
      "<h2>What ran where</h2>\n<div class=\"scroll\"><table>\n<tr><th>step</th><th>op</th><th>backend</th>"
      "<th>measured</th><th>passed over</th></tr>\n";
  for (const ChoiceRecord& c : r.plan->choices)
    out += fmt::format(
        "<tr><td>{}</td><td title=\"{}\">{}</td><td>{}</td><td>{}</td><td class=\"soft\">{}</td></tr>\n",
        h(c.where), h(c.problem), h(c.op), h(c.backend), h(c.measured), h(join(c.passed_over, "; ")));
  out += "</table></div>\n";
  for (const std::string& f : r.plan->fusions) out += fmt::format("<p>Fused: <code>{}</code></p>\n", h(f));
  return out;
}

std::string shadow(const HtmlReport& r) {
  if (!r.shadow) return "";
  std::string out = fmt::format(
      "<h2>Shadow training</h2>\n<p>{} beside it: {}.</p>\n<div class=\"scroll\"><table>\n<tr><th>output</th>"
      "<th class=\"n\">largest error, share of its budget</th></tr>\n",
      h(r.shadow->backend), h(r.shadow->text()));
  for (const auto& [label, fraction] : r.shadow->worst)
    out += fmt::format("<tr><td>{}</td><td class=\"n\">{:.3g}</td></tr>\n", h(label), fraction);
  out += "</table></div>\n";
  for (const std::string& what : r.shadow->unchecked)
    out += fmt::format("<p class=\"soft\">Not checked: {}</p>\n", h(what));
  return out;
}

std::string repeat(const HtmlReport& r) {
  std::string out = fmt::format("<h2>Repeat it</h2>\n<pre>{}</pre>\n", h(r.command));
  out +=
      fmt::format("<details><summary>config.toml</summary>\n<pre>{}</pre></details>\n<table>\n", h(r.config));
  for (const auto& [what, which] : r.versions)
    out += fmt::format("<tr><th>{}</th><td>{}</td></tr>\n", h(what), h(which));
  return out + "</table>\n";
}

}  // namespace

std::string html_report(const HtmlReport& r) {
  std::string out = head(r);
  for (const std::string& w : r.warnings) out += fmt::format("<p class=\"warn\">{}</p>\n", h(w));
  return out + curves(r) + results(r) + model(r) + data(r) + choices(r) + shadow(r) + repeat(r) +
         "</main>\n</body>\n</html>\n";
}

}  // namespace gabor
