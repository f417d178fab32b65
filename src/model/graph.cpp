#include "model/graph.h"

#include "core/error.h"

namespace gabor {

std::string toml_quoted(const std::string& s) {
  std::string out = "\"";
  for (unsigned char c : s) {
    if (c == '"' || c == '\\')
      out += '\\', out += char(c);
    else if (c < 0x20 || c == 0x7f)
      out += fmt::format("\\u{:04x}", c);
    else
      out += char(c);
  }
  return out + "\"";
}

namespace {

std::string text_of(const OptionValue& v) {
  struct Visitor {
    std::string operator()(bool b) const { return b ? "true" : "false"; }
    std::string operator()(int64_t i) const { return std::to_string(i); }
    std::string operator()(double d) const {
      std::string s = fmt::format("{}", d);
      return s.find_first_of(".einf") == std::string::npos ? s + ".0" : s;
    }
    std::string operator()(const std::string& s) const { return toml_quoted(s); }
    std::string operator()(const std::vector<int64_t>& list) const {
      return fmt::format("[{}]", fmt::join(list, ", "));
    }
  };
  return std::visit(Visitor{}, v.value);
}

}  // namespace

std::string to_toml(const Graph& g) {
  std::string out = fmt::format("name = {}\n", toml_quoted(g.name));
  if (g.input.rank() == 3) out += fmt::format("input = [{}, {}, {}]\n", g.input[0], g.input[1], g.input[2]);
  if (g.classes > 0) out += fmt::format("classes = {}\n", g.classes);
  for (const LayerSpec& l : g.layers) {
    out += fmt::format("\n[[layer]]\ntype = {}\nname = {}\n", toml_quoted(l.type), toml_quoted(l.name));
    if (!l.backend.empty()) out += fmt::format("backend = {}\n", toml_quoted(l.backend));
    if (!l.from.empty()) {
      std::string list;
      for (const auto& f : l.from) list += (list.empty() ? "" : ", ") + toml_quoted(f);
      out += fmt::format("from = [{}]\n", list);
    }
    for (const auto& [key, value] : l.options) out += fmt::format("{} = {}\n", key, text_of(value));
  }
  return out;
}

Graph with_classes(const Graph& graph, int64_t classes) {
  Graph g = graph;
  g.classes = classes;
  for (LayerSpec& l : g.layers)
    for (auto& [key, v] : l.options)
      if (const auto* s = std::get_if<std::string>(&v.value); s && *s == "classes") {
        if (classes < 1)
          fail(ErrorCode::usage, layer_place(l, g.source),
               "{} = \"classes\", but the number of classes is not known; add --classes", key);
        v.value = classes;
      }
  return g;
}

}  // namespace gabor
