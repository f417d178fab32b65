#include "cli/matched_dataset.h"

#include <algorithm>

#include "core/error.h"
#include "core/text.h"

namespace gabor {
namespace {

class MatchedDataset : public Dataset {
 public:
  MatchedDataset(std::shared_ptr<const Dataset> base, std::vector<std::string> classes,
                 std::vector<int> label_of)
      : base_(std::move(base)), label_of_(std::move(label_of)) {
    classes_ = std::move(classes);
  }
  size_t size() const override { return base_->size(); }
  int label(size_t i) const override { return label_of_[size_t(base_->label(i))]; }
  std::string name(size_t i) const override { return base_->name(i); }
  int channels() const override { return base_->channels(); }
  std::optional<ImageSize> native_size() const override { return base_->native_size(); }
  void load_into(size_t i, int channels, Image& image) const override {
    base_->load_into(i, channels, image);
  }
  void load_at_least(size_t i, int channels, const std::optional<ImageSize>& size,
                     Image& image) const override {
    base_->load_at_least(i, channels, size, image);
  }
  std::vector<uint8_t> bytes(size_t i) const override { return base_->bytes(i); }
  std::optional<DatasetStamp> stamp() const override { return base_->stamp(); }

 private:
  std::shared_ptr<const Dataset> base_;
  std::vector<int> label_of_;  // the data set's label -> the model's
};

}  // namespace

std::shared_ptr<const Dataset> match_classes(std::shared_ptr<const Dataset> dataset,
                                             const std::vector<std::string>& model_classes,
                                             const std::string& where) {
  std::vector<int> label_of;
  for (const std::string& name : dataset->classes()) {
    const auto at = std::find(model_classes.begin(), model_classes.end(), name);
    if (at == model_classes.end()) {
      std::vector<std::string> known;
      for (const auto& c : model_classes) known.push_back(printable(c));
      if (known.size() > 20) known.resize(20), known.push_back("...");
      fail(ErrorCode::data, printable(where), "has a class '{}' that the model does not know; it knows: {}",
           printable(name), join(known, ", "));
    }
    label_of.push_back(int(at - model_classes.begin()));
  }
  return std::make_shared<MatchedDataset>(std::move(dataset), model_classes, std::move(label_of));
}

}  // namespace gabor
