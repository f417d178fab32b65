// The ordered choice between backends, and what it records.
#include "ops/library.h"

#include <gtest/gtest.h>

#include "ops/add.h"
#include "ops/optimizer.h"

namespace gabor {
namespace {

class FakeAdd final : public Add {
 public:
  explicit FakeAdd(Support answer) : answer_(std::move(answer)) {}
  Support supports(const AddProblem&) const override { return answer_; }
  void forward(Context&, const AddProblem&, ConstTensorView, ConstTensorView, TensorView) const override {}
  void accumulate(Context&, const AddProblem&, ConstTensorView, TensorView, GradMode) const override {}

 private:
  Support answer_;
};

// Another device than the host; nothing is asked of it.
class FakeDevice final : public Device {
 public:
  DeviceKind kind() const override { return DeviceKind::cuda; }
  std::string name() const override { return "fake"; }
  void* allocate(size_t) override { return nullptr; }
  void release(void*, size_t) noexcept override {}
  void copy_to(void*, const void*, size_t) override {}
  void copy_from(void*, const void*, size_t) override {}
  void zero(void*, size_t) override {}
};

class FakeBackend final : public Backend {
 public:
  FakeBackend(std::string name, const Add* add, Device& device = host_device())
      : name_(std::move(name)), device_(&device) {
    ops_.add = add;
  }
  std::string_view name() const override { return name_; }
  Device& device() const override { return *device_; }
  const OpSet& ops() const override { return ops_; }
  std::vector<std::shared_ptr<const Backend>> variants() const override { return pinned; }
  Traits traits() const override { return {.math = math, .storage = storage}; }
  std::vector<std::shared_ptr<const Backend>> pinned;
  std::string math = "fp32";
  DType storage = DType::f32;

 private:
  std::string name_;
  Device* device_;
  OpSet ops_;
};

class Choice : public testing::Test {
 protected:
  FakeAdd no{Support::no("counts above 7 are not supported")}, yes{Support::yes()}, also{Support::yes()};
  Library library{
      {std::make_shared<FakeBackend>("fast", &no), std::make_shared<FakeBackend>("empty", nullptr),
       std::make_shared<FakeBackend>("slow", &yes), std::make_shared<FakeBackend>("slower", &also)}};
  ChoiceRecord record{.where = "add1", .op = "add", .problem = "count=8", .backend = "", .passed_over = {}};
  static Support ask(const Add& op) { return op.supports({8}); }
};

TEST_F(Choice, FirstThatCanAndWhyTheOthersWereNot) {
  EXPECT_EQ(library.choose(&OpSet::add, ask, record), &yes);
  EXPECT_EQ(record.backend, "slow");
  EXPECT_EQ(record.passed_over, (std::vector<std::string>{"fast: counts above 7 are not supported",
                                                          "empty: not written for this backend"}));
}

TEST_F(Choice, APreferredBackendIsAskedFirst) {
  EXPECT_EQ(library.choose(&OpSet::add, ask, record, "slower"), &also);
  EXPECT_TRUE(record.passed_over.empty());
  // One that cannot falls through to the usual order.
  EXPECT_EQ(library.choose(&OpSet::add, ask, record, "empty"), &yes);
  EXPECT_EQ(library.find(&OpSet::add, ask, record, "slower"), &also);
}

// "fast" and "slow", which has a variant with the op and one without.
class Variants : public Choice {
 protected:
  Variants() : library(make()) {}
  Library make() {
    const auto slow = std::make_shared<FakeBackend>("slow", &yes);
    slow->pinned = {std::make_shared<FakeBackend>("slow/tiled", &tiled),
                    std::make_shared<FakeBackend>("slow/other_op", nullptr)};
    return Library({std::make_shared<FakeBackend>("fast", &also), slow});
  }
  FakeAdd tiled{Support::yes()};
  Library library;
};

TEST_F(Variants, AreChosenByNameOnly) {
  EXPECT_EQ(library.choose(&OpSet::add, ask, record), &also);
  EXPECT_EQ(library.choose(&OpSet::add, ask, record, "slow/tiled"), &tiled);
  EXPECT_EQ(record.backend, "slow/tiled");
  // What a variant does not have is its own backend's, and no word is lost about it.
  EXPECT_EQ(library.choose(&OpSet::add, ask, record, "slow/other_op"), &yes);
  EXPECT_TRUE(record.passed_over.empty());
  // Of another machine's backend.
  EXPECT_EQ(library.choose(&OpSet::add, ask, record, "gpu/tiled"), &also);
}

TEST_F(Variants, AreNotFusedAway) {
  EXPECT_EQ(library.find(&OpSet::add, ask, record, "slow/tiled"), &tiled);
  EXPECT_EQ(library.find(&OpSet::add, ask, record, "slow/other_op"), nullptr);
}

TEST_F(Variants, UnknownOne) {
  for (const char* known : {"", "slow", "slow/tiled", "gpu", "gpu/tiled"})
    EXPECT_NO_THROW(library.check_name(known, "net.toml")) << known;
  try {
    library.check_name("slow/tilde", "net.toml");
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::usage);
    EXPECT_STREQ(
        e.what(),
        "net.toml: backend = \"slow/tilde\": slow has no kernel of that name; did you mean 'slow/tiled'?");
  }
}

TEST_F(Variants, TunedChoicesHoldWhereNothingElseIsAskedFor) {
  const Library tuned =
      library.tuned({{"add1", {"slow/tiled", "2x faster"}}, {"add2", {"gpu", ""}}}, {"read: x"});
  EXPECT_EQ(tuned.choose(&OpSet::add, ask, record), &tiled);
  EXPECT_EQ(record.measured, "2x faster");
  record.measured.clear();
  EXPECT_EQ(tuned.choose(&OpSet::add, ask, record, "slow"), &yes);
  EXPECT_EQ(record.measured, "");
  EXPECT_EQ(tuned.notes(), (std::vector<std::string>{
                               "read: x", "add2 on gpu: this machine or this build does not have it"}));
  record.where = "add2";
  EXPECT_EQ(tuned.choose(&OpSet::add, ask, record), &also);
}

// "fast", whose variant in tf32 cannot, and "slow", whose can.
class Precision : public Choice {
 protected:
  Precision() : library(make().in_precision("tf32")) {}
  Library make() {
    const auto fast = std::make_shared<FakeBackend>("fast", &also),
               slow = std::make_shared<FakeBackend>("slow", &yes);
    for (const auto& [of, op] : {std::pair{fast, &no}, {slow, &rounding}}) {
      const auto variant = std::make_shared<FakeBackend>(std::string(of->name()) + "/tf32", op);
      variant->math = "tf32";
      of->pinned = {variant, std::make_shared<FakeBackend>(std::string(of->name()) + "/tiled", &tiled)};
    }
    return Library({fast, slow});
  }
  FakeAdd rounding{Support::yes()}, tiled{Support::yes()};
  Library library;
};

TEST_F(Precision, ComesBeforeEachBackend) {
  EXPECT_EQ(library.precision(), "tf32");
  EXPECT_EQ(library.choose(&OpSet::add, ask, record), &also);
  EXPECT_EQ(record.passed_over, (std::vector<std::string>{"fast/tf32: counts above 7 are not supported"}));
  EXPECT_EQ(library.choose(&OpSet::add, ask, record, "slow"), &rounding);
  EXPECT_EQ(library.find(&OpSet::add, ask, record, "slow"), &rounding);
  EXPECT_EQ(library.find(&OpSet::add, ask, record), &also);  // fast/tf32, which cannot, ends no search
  EXPECT_EQ(library.choose(&OpSet::add, ask, record, "slow/tiled"), &tiled);
}

TEST_F(Precision, IsLeftWhereItWasMeasuredOrNotAskedFor) {
  const Library tuned = library.tuned({{"add1", {"slow", "1.2x faster"}}, {"add2", {"slow/tf32", ""}}}, {});
  EXPECT_EQ(tuned.choose(&OpSet::add, ask, record), &yes);
  EXPECT_EQ(record.measured, "1.2x faster");
  record.where = "add2";
  EXPECT_EQ(tuned.choose(&OpSet::add, ask, record), &rounding);
  const Library exact = tuned.in_precision("fp32");
  EXPECT_EQ(exact.choose(&OpSet::add, ask, record), &also);
  EXPECT_EQ(exact.choices().size(), 1u);
  EXPECT_EQ(exact.choose(&OpSet::add, ask, record, "slow"), &yes);
}

// "fast", whose variant with bf16 tensors cannot, and "slow", whose can.
class Storage : public Choice {
 protected:
  Storage() : library(make().in_precision("bf16")) {}
  Library make() {
    const auto fast = std::make_shared<FakeBackend>("fast", &also),
               slow = std::make_shared<FakeBackend>("slow", &yes);
    for (const auto& [of, op] : {std::pair{fast, &no}, {slow, &half}}) {
      const auto variant = std::make_shared<FakeBackend>(std::string(of->name()) + "/bf16", op);
      variant->math = "bf16", variant->storage = DType::bf16;
      of->pinned = {variant, std::make_shared<FakeBackend>(std::string(of->name()) + "/tiled", &tiled)};
    }
    return Library({fast, slow});
  }
  FakeAdd half{Support::yes()}, tiled{Support::yes()};
  Library library;
};

TEST_F(Storage, IsOneForTheWholeNet) {
  EXPECT_EQ(library.storage(), DType::bf16);
  EXPECT_EQ(library.choose(&OpSet::add, ask, record), &half);
  EXPECT_EQ(record.backend, "slow/bf16");
  EXPECT_EQ(record.passed_over, (std::vector<std::string>{"fast/bf16: counts above 7 are not supported"}));
  EXPECT_EQ(library.find(&OpSet::add, ask, record), &half);
  EXPECT_EQ(library.choose(&OpSet::add, ask, record, "fast"), &half);
  // A kernel with f32 tensors, whether a model file names it or it was measured, has no place among them.
  EXPECT_EQ(library.choose(&OpSet::add, ask, record, "slow/tiled"), &half);
  EXPECT_EQ(record.passed_over,
            (std::vector<std::string>{"slow/tiled: keeps tensors in f32, and this run in bf16"}));
  EXPECT_EQ(library.find(&OpSet::add, ask, record, "slow/tiled"), &half);
  const Library tuned = library.tuned({{"add1", {"slow", "1.2x faster"}}}, {});
  EXPECT_EQ(tuned.choose(&OpSet::add, ask, record), &half);
  EXPECT_TRUE(tuned.in_precision("bf16").choices().empty());
}

TEST_F(Storage, IsF32WhereItIsNotAskedFor) {
  const Library exact = library.in_precision("fp32");
  EXPECT_EQ(exact.storage(), DType::f32);
  EXPECT_EQ(exact.choose(&OpSet::add, ask, record), &also);
  EXPECT_EQ(exact.choose(&OpSet::add, ask, record, "slow/bf16"), &yes);
  EXPECT_EQ(record.passed_over,
            (std::vector<std::string>{"slow/bf16: keeps tensors in bf16, and this run in f32"}));
}

TEST_F(Storage, NobodyHasIt) {
  record.where = "add1";
  try {
    const auto above = [](const Add&) { return Support::no("counts above 7 are not supported"); };
    library.choose(&OpSet::add, above, record);
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::device);
    EXPECT_STREQ(
        e.what(),
        "add1: no backend keeps add count=8 in bf16 (fast/bf16: counts above 7 are not supported; slow/bf16: "
        "counts above 7 are not supported); train this net in fp32 or tf32");
  }
}

TEST_F(Choice, NobodyCan) {
  const Library helpless({std::make_shared<FakeBackend>("fast", &no)});
  EXPECT_EQ(helpless.find(&OpSet::add, ask, record), nullptr);
  try {
    helpless.choose(&OpSet::add, ask, record);
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::device);
    EXPECT_STREQ(e.what(), "add1: no backend runs add count=8 (fast: counts above 7 are not supported)");
  }
}

TEST_F(Choice, NamesAndDevice) {
  EXPECT_EQ(library.names(), (std::vector<std::string>{"fast", "empty", "slow", "slower"}));
  EXPECT_EQ(&library.device(), &host_device());
  FakeDevice gpu;
  const auto on_gpu = std::make_shared<FakeBackend>("gpu", &yes, gpu);
  EXPECT_EQ(&Library({on_gpu}).device(), &gpu);
  EXPECT_THROW(Library({std::make_shared<FakeBackend>("host", &yes), on_gpu}), Error);
  EXPECT_THROW(Library({}), Error);
}

TEST(OptimizerNames, RoundTrip) {
  for (auto kind : {OptimizerKind::sgd, OptimizerKind::momentum, OptimizerKind::nesterov, OptimizerKind::adam,
                    OptimizerKind::adamw}) {
    OptimizerKind parsed{};
    EXPECT_TRUE(parse_optimizer(name_of(kind), parsed));
    EXPECT_EQ(parsed, kind);
  }
  OptimizerKind kept = OptimizerKind::adam;
  EXPECT_FALSE(parse_optimizer("rmsprop", kept));
  EXPECT_EQ(kept, OptimizerKind::adam);
}

}  // namespace
}  // namespace gabor
