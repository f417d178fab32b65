// The model file reader. toml++ is included here only.
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/error.h"
#include "core/text.h"
#include "layers/layer.h"
#include "model/graph.h"

namespace gabor {
namespace {

class Reader {
 public:
  Reader(std::string_view text, const std::string& source) : source_(source) {
    if (text.size() > kMaxBytes)
      fail(ErrorCode::usage, source, "is {}; a model file has at most 1 MiB",
           human_bytes(double(text.size())));
    try {
      root_ = toml::parse(text, source);
    } catch (const toml::parse_error& e) {
      fail(ErrorCode::usage, place(e.source()), "not valid TOML: {}", e.description());
    }
  }

  Graph read() {
    Graph g;
    g.source = source_;
    for (const auto& [key, node] : root_) {
      const std::string k(key.str());
      if (k == "name")
        g.name = text(node, k);
      else if (k == "input")
        g.input = input(node);
      else if (k == "classes")
        g.classes = integer(node, k, 1, 1 << 24);
      else if (k == "layer" || k == "block")
        continue;
      else
        fail(ErrorCode::usage, place(key.source()), "unknown key '{}'{}", k,
             suggestion(k, {"name", "input", "classes", "layer", "block"}));
    }
    if (g.name.empty()) g.name = source_;
    const toml::node* layers = root_.get("layer");
    if (!layers) fail(ErrorCode::usage, source_, "has no [[layer]]; a model is a list of layers");
    add_layers(*layers, {}, g.layers, 0);
    name_layers(g);
    return g;
  }

 private:
  static constexpr size_t kMaxBytes = 1 << 20;
  static constexpr size_t kMaxLayers = 2000;
  using Arguments = std::map<std::string, OptionValue>;

  std::string place(const toml::source_region& r) const {
    return fmt::format("{}:{}:{}", source_, r.begin.line, r.begin.column);
  }

  std::string text(const toml::node& n, const std::string& key) const {
    if (const auto* s = n.as_string()) return s->get();
    fail(ErrorCode::usage, place(n.source()), "{} must be a text in quotes", key);
  }

  int64_t integer(const toml::node& n, const std::string& key, int64_t low, int64_t high) const {
    const auto* i = n.as_integer();
    if (!i) fail(ErrorCode::usage, place(n.source()), "{} must be a whole number", key);
    if (i->get() < low || i->get() > high)
      fail(ErrorCode::usage, place(n.source()), "{} = {}; must be {} to {}", key, i->get(), low, high);
    return i->get();
  }

  Shape input(const toml::node& n) const {
    const auto* a = n.as_array();
    if (!a || a->size() != 3)
      fail(ErrorCode::usage, place(n.source()), "input must be [height, width, channels]");
    return {integer((*a)[0], "height", 1, 32768), integer((*a)[1], "width", 1, 32768),
            integer((*a)[2], "channels", 1, 4)};
  }

  OptionValue value(const toml::node& n, const std::string& key) const {
    OptionValue v;
    v.line = int(n.source().begin.line), v.column = int(n.source().begin.column);
    if (const auto* b = n.as_boolean())
      v.value = b->get();
    else if (const auto* i = n.as_integer())
      v.value = i->get();
    else if (const auto* f = n.as_floating_point())
      v.value = f->get();
    else if (const auto* s = n.as_string())
      v.value = s->get();
    else if (const auto* a = n.as_array(); a && a->is_homogeneous<int64_t>()) {
      std::vector<int64_t> list;
      for (const auto& e : *a) list.push_back(e.as_integer()->get());
      v.value = list;
    } else {
      fail(ErrorCode::usage, place(n.source()),
           "{} must be a number, a text, true/false or a list of whole numbers", key);
    }
    return v;
  }

  std::vector<std::string> names(const toml::node& n) const {
    if (n.is_string()) return {text(n, "from")};
    const auto* a = n.as_array();
    if (!a || !a->is_homogeneous<std::string>())
      fail(ErrorCode::usage, place(n.source()), "from must be a layer name or a list of them");
    std::vector<std::string> out;
    for (const auto& e : *a) out.push_back(e.as_string()->get());
    return out;
  }

  void add_layers(const toml::node& node, const Arguments& arguments, std::vector<LayerSpec>& out,
                  int depth) {
    const auto* list = node.as_array();
    if (!list || !list->is_array_of_tables())
      fail(ErrorCode::usage, place(node.source()), "write layers as [[layer]] tables");
    if (depth > 4)
      fail(ErrorCode::usage, place(node.source()),
           "blocks are nested more than 4 deep (does one contain itself?)");
    for (const auto& item : *list) add_layer(*item.as_table(), arguments, out, depth);
  }

  void add_layer(const toml::table& table, const Arguments& arguments, std::vector<LayerSpec>& out,
                 int depth) {
    LayerSpec spec;
    std::string block;
    int64_t repeat = 1;
    spec.line = int(table.source().begin.line), spec.column = int(table.source().begin.column);
    for (const auto& [key, node] : table) {
      const std::string k(key.str());
      if (k == "type")
        spec.type = text(node, k);
      else if (k == "name")
        spec.name = text(node, k);
      else if (k == "backend")
        spec.backend = text(node, k);
      else if (k == "from")
        spec.from = names(node);
      else if (k == "repeat")
        repeat = integer(node, k, 1, 1000);
      else if (k == "block")
        block = text(node, k);
      else
        spec.options[k] = substitute(value(node, k), arguments);
    }
    if (block.empty() == spec.type.empty())
      fail(ErrorCode::usage, place(table.source()), "a layer needs either a type ({}) or a block",
           join(layer_types(), ", "));
    if (repeat > 1 && !spec.name.empty())
      fail(ErrorCode::usage, place(table.source()),
           "a repeated layer cannot have a name: '{}' would stand {} times", spec.name, repeat);
    for (int64_t r = 0; r < repeat; r++) {
      if (block.empty())
        out.push_back(spec);
      else
        add_layers(find_block(block, table), spec.options, out, depth + 1);
      if (out.size() > kMaxLayers)
        fail(ErrorCode::usage, place(table.source()), "more than {} layers", kMaxLayers);
    }
  }

  const toml::node& find_block(const std::string& name, const toml::table& user) const {
    const toml::table* blocks = root_["block"].as_table();
    std::vector<std::string> known;
    if (blocks) {
      if (const toml::node* n = blocks->get(name)) return *n;
      for (const auto& [key, node] : *blocks) known.emplace_back(key.str());
    }
    fail(ErrorCode::usage, place(user.source()), "unknown block '{}'{}", name, suggestion(name, known));
  }

  // In a block, "$filters" stands for the value that the block's user gives for filters.
  OptionValue substitute(OptionValue v, const Arguments& arguments) const {
    const auto* s = std::get_if<std::string>(&v.value);
    if (!s || s->empty() || (*s)[0] != '$') return v;
    const auto it = arguments.find(s->substr(1));
    if (it == arguments.end())
      fail(ErrorCode::usage, fmt::format("{}:{}:{}", source_, v.line, v.column),
           "the block needs a value for '{}'", s->substr(1));
    return it->second;
  }

  void name_layers(Graph& g) const {
    std::map<std::string, int> used;
    std::set<std::string> taken;
    for (const LayerSpec& l : g.layers)
      if (!l.name.empty() && !taken.insert(l.name).second)
        fail(ErrorCode::usage, fmt::format("{}:{}:{}", source_, l.line, l.column),
             "two layers are named '{}'", l.name);
    for (LayerSpec& l : g.layers)
      while (l.name.empty()) {
        const std::string candidate = fmt::format("{}_{}", l.type, ++used[l.type]);
        if (taken.insert(candidate).second) l.name = candidate;
      }
  }

  std::string source_;
  toml::table root_;
};

}  // namespace

Graph parse_model(std::string_view toml, const std::string& source) { return Reader(toml, source).read(); }

}  // namespace gabor
