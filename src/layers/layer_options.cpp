#include "layers/layer_options.h"

#include "core/error.h"

namespace gabor {

ActivationOption read_activation(OptionReader& r, const std::string& key, const std::string& fallback,
                                 bool allow_softmax) {
  std::vector<std::string> names = {"none", "relu", "leaky_relu", "elu", "sigmoid", "tanh", "silu", "gelu"};
  if (allow_softmax) names.push_back("softmax");
  const std::string name = r.word(key, fallback, names);
  ActivationOption a;
  a.softmax = name == "softmax";
  if (!a.softmax) GABOR_CHECK(parse_activation(name, a.activation));
  const bool takes_alpha =
      a.activation.kind == ActivationKind::leaky_relu || a.activation.kind == ActivationKind::elu;
  if (r.has("alpha") && !takes_alpha)
    r.error("alpha", fmt::format("alpha has no meaning for activation '{}'", name));
  if (takes_alpha) a.activation.alpha = float(r.number("alpha", a.activation.alpha, 0, 100));
  return a;
}

Initializer read_initializer(OptionReader& r) {
  Initializer init;
  std::vector<std::string> names = initializer_names();
  names.insert(names.end(), {"zeros", "xavier"});
  const std::string name = r.word("init", "glorot_uniform", names);
  GABOR_CHECK(parse_initializer(name, init));
  if (r.has("init_value") && init.kind != InitKind::constant)
    r.error("init_value", fmt::format("init_value has no meaning for init '{}' (only for 'constant')", name));
  if (r.has("init_scale") && init.kind != InitKind::uniform && init.kind != InitKind::normal)
    r.error("init_scale",
            fmt::format("init_scale has no meaning for init '{}' (only for 'uniform' and 'normal')", name));
  init.value = float(r.number("init_value", 0, -1e6, 1e6));
  init.scale = float(r.number("init_scale", 0.05, 0, 1e6));
  return init;
}

PaddingOption read_padding(OptionReader& r) {
  PaddingOption p;
  const OptionValue* v = r.raw("padding");
  if (!v) return p;
  if (std::get_if<std::string>(&v->value)) {
    p.same = r.word("padding", "valid", {"valid", "same"}) == "same";
  } else if (const auto* list = std::get_if<std::vector<int64_t>>(&v->value); list && list->size() == 4) {
    for (int64_t i : *list)
      if (i < 0 || i > 4096) r.error("padding", fmt::format("padding = {}; must be 0 to 4096", i));
    p.pad = {(*list)[0], (*list)[1], (*list)[2], (*list)[3]};
  } else if (list && list->size() != 2) {
    r.error("padding",
            "padding must be \"valid\", \"same\", a number, [vertical, horizontal] or [top, bottom, left, "
            "right]");
  } else {
    const auto both = r.pair("padding", {0, 0}, 0, 4096);
    p.pad = {both.h, both.h, both.w, both.w};
  }
  return p;
}

Padding resolve(const PaddingOption& p, int64_t H, int64_t W, int64_t R, int64_t S, int64_t stride_h,
                int64_t stride_w, int64_t dil_h, int64_t dil_w) {
  if (!p.same) return p.pad;
  const SidePadding v = same_padding(H, R, stride_h, dil_h), h = same_padding(W, S, stride_w, dil_w);
  return {v.before, v.after, h.before, h.after};
}

std::string unread_text(int64_t rows, int64_t columns) {
  auto count = [](int64_t n, const char* what) { return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s"); };
  if (rows && columns) return count(rows, "row") + ", " + count(columns, "column") + " unread";
  if (rows) return count(rows, "row") + " unread";
  if (columns) return count(columns, "column") + " unread";
  return "";
}

}  // namespace gabor
