#include <gtest/gtest.h>

#include "model/nets.h"

namespace gabor {
namespace {

using testing::error_of;

std::string parse_error(const std::string& toml) {
  return error_of([&] { parse_model(toml, "net.toml"); });
}

std::string compile_error(const std::string& toml, PlanOptions o = {}) {
  const auto library = make_library("reference", 0);
  if (o.input.rank() == 0) o.input = {8, 8, 3};
  return error_of([&] { testing::compile_text(toml, *library, o); });
}

TEST(TomlReader, ErrorsNameLineColumnAndNearestMatch) {
  EXPECT_EQ(parse_error("name = \"a\"\nlayers = 3\n[[layer]]\ntype=\"flatten\"\n"),
            "net.toml:2:1: unknown key 'layers'; did you mean 'layer'?");
  EXPECT_NE(parse_error("name = \n").find("net.toml:1:"), std::string::npos);
  EXPECT_NE(parse_error("name = \"a\"\n").find("has no [[layer]]"), std::string::npos);
  EXPECT_EQ(parse_error(
                "[[layer]]\nname = \"a\"\ntype = \"flatten\"\n[[layer]]\nname = \"a\"\ntype = \"flatten\"\n"),
            "net.toml:4:1: two layers are named 'a'");
  EXPECT_EQ(parse_error("input = [1, 2]\n[[layer]]\ntype = \"flatten\"\n"),
            "net.toml:1:9: input must be [height, width, channels]");
  EXPECT_EQ(parse_error("[[layer]]\nblock = \"stge\"\n[[block.stage]]\ntype = \"flatten\"\n"),
            "net.toml:1:1: unknown block 'stge'; did you mean 'stage'?");
  EXPECT_NE(
      parse_error("[[layer]]\nblock = \"a\"\n[[block.a]]\nblock = \"a\"\n").find("nested more than 4 deep"),
      std::string::npos);
  EXPECT_NE(parse_error(std::string(2 << 20, '#')).find("at most 1 MiB"), std::string::npos);
}

TEST(TomlReader, LayerOptionErrors) {
  const std::string head = "classes = 2\n[[layer]]\ntype = \"conv2d\"\nfilters = 4\n";
  EXPECT_EQ(compile_error(head + "kernle = 3\n"),
            "net.toml:5:10: layer 'conv2d_1': unknown option 'kernle' of conv2d; did you mean 'kernel'?");
  EXPECT_EQ(compile_error(head + "kernel = 0\n"),
            "net.toml:5:10: layer 'conv2d_1': kernel = 0; must be 1 to 4096");
  EXPECT_EQ(compile_error(head + "kernel = \"3\"\n"),
            "net.toml:5:10: layer 'conv2d_1': kernel must be a whole number or [vertical, horizontal]");
  EXPECT_EQ(compile_error(head + "kernel = 3\nactivation = \"rellu\"\n"),
            "net.toml:6:14: layer 'conv2d_1': unknown activation 'rellu'; did you mean 'relu'?");
  EXPECT_EQ(compile_error(head + "kernel = 3\nalpha = 0.1\n"),
            "net.toml:6:9: layer 'conv2d_1': alpha has no meaning for activation 'none'");
  EXPECT_EQ(compile_error(head + "kernel = 3\ngroups = 2\n"),
            "net.toml:2:1: layer 'conv2d_1': groups=2 must divide the input channels 3 and the filters 4");
  EXPECT_EQ(compile_error(head), "net.toml:2:1: layer 'conv2d_1': 'kernel' is missing");
  EXPECT_NE(compile_error(head + "kernel = 11\n").find("does not fit the 8x8 input"), std::string::npos);
  EXPECT_EQ(compile_error("classes=2\n[[layer]]\ntype = \"convolution\"\n"),
            "net.toml:2:1: layer 'convolution_1': unknown layer type 'convolution'; did you mean 'conv2d'?");
  EXPECT_EQ(compile_error("classes=2\n[[layer]]\ntype = \"pool2d\"\nkind = \"max\"\ninit = \"zeros\"\n"),
            "net.toml:5:8: layer 'pool2d_1': unknown option 'init' of pool2d; known: kind, size, stride, "
            "padding, rounding, name, from, backend, type");
  EXPECT_EQ(compile_error("classes=2\n[[layer]]\ntype = \"dropout\"\nrate = 1.5\n"),
            "net.toml:4:8: layer 'dropout_1': rate = 1.5; must be 0 to 1");
  const std::string norm = "classes=2\n[[layer]]\ntype = \"batchnorm\"\n";
  EXPECT_EQ(
      compile_error(norm + "epsilon = 0\n"),
      "net.toml:4:11: layer 'batchnorm_1': epsilon must be above 0: a channel that is constant would be "
      "divided by 0");
  EXPECT_EQ(compile_error(norm + "momentum = 99\n"),
            "net.toml:4:12: layer 'batchnorm_1': momentum = 99; must be 0 to 1");
  EXPECT_EQ(
      compile_error(norm + "momentum = 0\n"),
      "net.toml:4:12: layer 'batchnorm_1': momentum must be above 0: the running statistics would never "
      "move");
  EXPECT_EQ(compile_error("classes=2\n[[layer]]\ntype = \"dense\"\nunits = 2\n"),
            "net.toml:2:1: layer 'dense_1': dense needs a flat input but gets 8x8x3; put a flatten or "
            "global_pool layer before it");
}

TEST(TomlReader, BlocksRepeatAndNames) {
  const Graph g = parse_model(
      "[[block.pair]]\ntype = \"conv2d\"\nfilters = \"$filters\"\nkernel = 3\n[[block.pair]]\ntype = "
      "\"pool2d\"\nkind = \"max\"\n"
      "[[layer]]\nblock = \"pair\"\nfilters = 8\nrepeat = 2\n[[layer]]\ntype = \"dropout\"\nrate = "
      "0.5\nrepeat = 2\n[[layer]]\ntype = \"flatten\"\nname = \"flat\"\n",
      "net.toml");
  ASSERT_EQ(g.layers.size(), 7u);
  EXPECT_EQ(g.layers[0].name, "conv2d_1");
  EXPECT_EQ(g.layers[3].name, "pool2d_2");
  EXPECT_EQ(std::get<int64_t>(g.layers[2].options.at("filters").value), 8);
  EXPECT_EQ(g.layers[6].name, "flat");
  EXPECT_NE(parse_error("[[layer]]\nblock = \"b\"\n[[block.b]]\ntype = \"dense\"\nunits = \"$units\"\n")
                .find("needs a value for 'units'"),
            std::string::npos);
}

TEST(TomlReader, WrittenGraphReadsBackTheSame) {
  for (const std::string& name : zoo_names()) {
    const Graph g = find_model(name);
    const std::string text = to_toml(g);
    const Graph back = parse_model(text, "again");
    EXPECT_EQ(to_toml(back), text) << name;
    ASSERT_EQ(back.layers.size(), g.layers.size());
    for (size_t i = 0; i < g.layers.size(); i++)
      for (const auto& [key, v] : g.layers[i].options)
        EXPECT_EQ(back.layers[i].options.at(key).value, v.value) << name << " " << key;
  }
}

TEST(TomlReader, RandomBytesNeverCrash) {
  const std::string base = to_toml(find_model("lenet5"));
  Random random({7, Purpose::test, 0, 0});
  for (int i = 0; i < 3000; i++) {
    std::string text = base;
    for (int k = 0; k < 1 + int(random.below(6)); k++)
      text[random.below(uint32_t(text.size()))] = char(random.below(256));
    if (random.below(3) == 0) text.resize(random.below(uint32_t(text.size())));
    error_of([&] {
      const Graph g = parse_model(text, "fuzz");
      const auto library = make_library("reference", 1);
      PlanOptions o;
      o.batch = 1;
      compile(g, *library, o);
    });
  }
}

}  // namespace
}  // namespace gabor
