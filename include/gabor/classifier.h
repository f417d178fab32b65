// Embedding gabor: train, keep and use an image classifier from C++. find_package(gabor), link gabor::gabor.
//
//   gabor::PictureSet set = ...;                                   // uint8 pixels and labels
//   auto net = gabor::Classifier::fit("lenet5", set, {.epochs = 3});
//   net.save("digits.safetensors");
//   std::vector<float> p = net.predict(pixels, 1);                 // one probability a class
//
// Every call throws gabor::Error and nothing else.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gabor/error.h"
#include "gabor/model_builder.h"

namespace gabor {

// Pictures in memory, all of one size.
struct PictureSet {
  int height = 0, width = 0, channels = 3;  // channels 1 (gray) or 3 (RGB)
  std::vector<uint8_t> pixels;              // N,H,W,C, 0..255
  std::vector<int> labels;                  // N, index into classes
  std::vector<std::string> classes;         // names
};

// One finished epoch. val_* are NaN without a validation set.
struct EpochInfo {
  int epoch = 0;  // 1-based
  double train_loss = 0, train_accuracy = 0, val_loss = 0, val_accuracy = 0, images_per_s = 0;
};

struct FitOptions {
  int epochs = 5, batch = 32;
  std::string optimizer = "adam";  // sgd, momentum, nesterov, adam, adamw
  double learning_rate = 1e-3;
  double weight_decay = 0;
  double val_split = 0.2;  // share of the pictures that validate, by class; 0 = none
  uint64_t seed = 1;
  std::string backend = "auto";
  std::string scaling = "centered";  // unit (0..1), centered (-1..1), none
  int height = 0, width = 0;         // size the net works at; 0: the model's own, else the pictures'
  int threads = 0;                   // 0: all
  std::function<bool(const EpochInfo&)> on_epoch;  // false stops after this epoch
};

class Classifier {
 public:
  // model: a name of the zoo ("article", "lenet5", "vgg-small", ...), the path of a .toml file, or a ModelBuilder.
  static Classifier fit(const std::string& model, const PictureSet& pictures, const FitOptions& options = {});
  static Classifier fit(const ModelBuilder& model, const PictureSet& pictures,
                        const FitOptions& options = {});
  // data: whatever `gabor train DATA` takes: a folder of class folders, a .tar, MNIST, CIFAR-10, a CSV.
  static Classifier fit_files(const std::string& model, const std::string& data,
                              const FitOptions& options = {});
  // A checkpoint of gabor (best.safetensors, last.safetensors or what save() wrote). verify: runs its test of itself, if
  // it has one, and throws Error{checkpoint} where this machine makes another net of it than the one that was saved.
  static Classifier load(const std::string& path, const std::string& backend = "auto", bool verify = true);

  Classifier(Classifier&&) noexcept;
  Classifier& operator=(Classifier&&) noexcept;
  ~Classifier();

  void save(const std::string& path) const;
  const std::vector<std::string>& classes() const;
  int height() const;
  int width() const;
  int channels() const;
  double val_accuracy() const;  // of the last epoch of fit; NaN after load or without a validation set

  // Probabilities, count x classes, of pictures that have the net's size and channels already (N,H,W,C).
  std::vector<float> predict(const uint8_t* pixels, int count) const;

 private:
  struct State;
  explicit Classifier(std::unique_ptr<State> state);
  static Classifier fit(const struct Graph& graph, struct DataSplits data, const FitOptions& options);
  std::unique_ptr<State> state_;
};

}  // namespace gabor
