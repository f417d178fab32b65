// A program outside gabor, which sees only its installed headers and library: trains LeNet-5 on ten classes
// of pictures (a bright block in one of ten places, on noise), and expects it to know them.
#include <gabor/gabor.h>

#include <cstdio>
#include <random>

int main() {
  gabor::PictureSet set{.height = 28, .width = 28, .channels = 1};
  std::mt19937 random(1);
  for (int c = 0; c < 10; ++c) set.classes.push_back("place " + std::to_string(c));
  for (int n = 0; n < 400; ++n) {
    const int label = n % 10, top = label / 5 * 14, left = label % 5 * 5;
    for (int h = 0; h < set.height; ++h)
      for (int w = 0; w < set.width; ++w) {
        const bool bright = h >= top && h < top + 12 && w >= left && w < left + 6;
        set.pixels.push_back(uint8_t(random() % 100 + (bright ? 150 : 0)));
      }
    set.labels.push_back(label);
  }
  try {
    const auto net = gabor::Classifier::fit("lenet5", set, {.epochs = 5, .batch = 20});
    const std::vector<float> p = net.predict(set.pixels.data(), 1);  // the first picture shows place 0
    std::printf("validation accuracy %.2f; first picture is %s with %.2f\n", net.val_accuracy(),
                net.classes()[0].c_str(), p[0]);
    return net.val_accuracy() >= 0.95 && p[0] > 0.5f ? 0 : 1;
  } catch (const gabor::Error& error) {
    std::printf("%s\n", error.what());
    return int(error.code());
  }
}
