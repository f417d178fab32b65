#include "model/parameters.h"

namespace gabor {

Parameters::Parameters(Device& device, std::vector<ParameterDecl> decls, int64_t elements, bool training,
                       DType storage)
    : device_(&device),
      decls_(std::move(decls)),
      elements_(elements),
      storage_(storage),
      values_(device, size_t(elements) * sizeof(float)) {
  device.zero(values_.data(), values_.bytes());
  if (storage != DType::f32) copy_ = Buffer(device, size_t(elements) * size_of(storage));
  if (!training) return;
  grads_ = Buffer(device, size_t(elements) * sizeof(float));
  device.zero(grads_.data(), grads_.bytes());  // the padding between parameters stays 0
}

void Parameters::initialize(uint64_t seed) {
  std::vector<float> host;
  for (size_t i = 0; i < decls_.size(); i++) {
    const ParameterDecl& d = decls_[i];
    host.resize(size_t(d.shape.count()));
    gabor::initialize(d.init, d.fans, RandomKey{seed, Purpose::init, 0, uint32_t(i)}, host);
    device_->copy_to(value(d).data, host.data(), host.size() * sizeof(float));
  }
}

std::vector<ParameterSegment> Parameters::segments() const {
  std::vector<ParameterSegment> out;
  for (const auto& d : decls_)
    if (d.trainable) out.push_back({d.offset, d.shape.count(), d.decay});
  return out;
}

}  // namespace gabor
