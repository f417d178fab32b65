#include <gtest/gtest.h>

#include <fstream>

#include "model/nets.h"
#include "temp_folder.h"

namespace gabor {
namespace {

using testing::error_of;

TEST(Zoo, UnknownNamesAndForeignFiles) {
  EXPECT_EQ(error_of([] { find_model("artcle"); }),
            "--model: unknown model 'artcle'; did you mean 'article'? (or give the path of a .toml file)");
  EXPECT_EQ(error_of([] { find_model("none/such.toml"); }), "none/such.toml: no such model file");
  const testing::TempFolder folder;
  const std::string path = folder.path() + "/picture.toml";
  std::ofstream(path) << "\xff\xd8\xff\xe0 not a model";
  EXPECT_EQ(error_of([&] { find_model(path); }),
            path +
                ": is a picture, not a model file; a model is a .toml "
                "file or one of: article, lenet5, mlp, vgg-bn, vgg-small");
  EXPECT_NE(error_of([&] { find_model(folder.path()); }).find("is not a file"), std::string::npos);
}

TEST(Zoo, EveryModelCompilesOnEveryBackend) {
  for (const std::string& name : zoo_names())
    for (const char* backend : {"reference", "cpu"}) {
      const auto library = make_library(backend, 0);
      PlanOptions o;
      o.batch = 2;
      o.classes = 3;
      if (find_model(name).input.rank() == 0) o.input = {32, 32, 3};
      EXPECT_GT(compile(find_model(name), *library, o).parameter_count(), 0) << name;
    }
}

}  // namespace
}  // namespace gabor
