// The graph API of the fake library: descriptors that remember their attributes, heuristics that list the engines that the
// test wants, and an execution that reads the whole convolution back from the plan's descriptors.
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>

#include "backends/cudnn/fake_products.h"

namespace {

constexpr int64_t kWorkspace = 1000;  // bytes that its engines want

// Attributes that are descriptors are copied, as the real library does: theirs may be destroyed before this one.
struct FakeDescriptor {
  cudnnBackendDescriptorType_t type;
  std::map<int, std::vector<char>> values;
  std::map<int, std::vector<std::shared_ptr<const FakeDescriptor>>> parts;

  template <class T>
  std::vector<T> all(int attribute) const {
    const std::vector<char>& bytes = values.at(attribute);
    std::vector<T> out(bytes.size() / sizeof(T));
    std::memcpy(out.data(), bytes.data(), bytes.size());
    return out;
  }
  template <class T>
  T one(int attribute) const {
    return all<T>(attribute).at(0);
  }
  const FakeDescriptor& part(int attribute) const { return *parts.at(attribute).at(0); }
};

FakeDescriptor& fake(cudnnBackendDescriptor_t d) { return *static_cast<FakeDescriptor*>(d); }

size_t size_of(cudnnBackendAttributeType_t type) {
  switch (type) {
    case CUDNN_TYPE_HANDLE:
    case CUDNN_TYPE_VOID_PTR:
    case CUDNN_TYPE_INT64:
    case CUDNN_TYPE_DOUBLE:
      return 8;
    case CUDNN_TYPE_BOOLEAN:
    case CUDNN_TYPE_CHAR:
      return 1;
    default:
      return 4;  // float, int32, enumerations
  }
}

cudnnTensorStruct tensor_of(const FakeDescriptor& d) {
  const auto e = d.all<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS), s = d.all<int64_t>(CUDNN_ATTR_TENSOR_STRIDES);
  return {e.at(0), e.at(1), e.at(2), e.at(3), s.at(0), s.at(1), s.at(2), s.at(3)};
}

// The attributes that name x, w, y and the convolution, by the operation.
struct Operation {
  Result result;
  int x, w, y, convolution;
};
Operation operation_of(const FakeDescriptor& d) {
  switch (d.type) {
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR:
      return {Result::y, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC};
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR:
      return {Result::x, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC};
    default:
      return {Result::w, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC};
  }
}

cudnnConvolutionStruct convolution_of(const FakeDescriptor& d, int64_t groups) {
  const auto pad = d.all<int64_t>(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS),
             stride = d.all<int64_t>(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES),
             dilation = d.all<int64_t>(CUDNN_ATTR_CONVOLUTION_DILATIONS);
  return {pad.at(0), pad.at(1), stride.at(0), stride.at(1), dilation.at(0), dilation.at(1), groups};
}

// A graph that means something: f32 throughout, a convolution that fits first, no padding that differs.
bool is_sound(const FakeDescriptor& graph) {
  const FakeDescriptor& first = graph.part(CUDNN_ATTR_OPERATIONGRAPH_OPS);
  const Operation o = operation_of(first);
  const FakeDescriptor& conv = first.part(o.convolution);
  for (const int attribute : {o.x, o.w, o.y})
    if (first.part(attribute).one<cudnnDataType_t>(CUDNN_ATTR_TENSOR_DATA_TYPE) != CUDNN_DATA_FLOAT)
      return false;
  const cudnnTensorStruct x = tensor_of(first.part(o.x)), y = tensor_of(first.part(o.y));
  const cudnnFilterStruct w{tensor_of(first.part(o.w))};
  return conv.one<cudnnConvolutionMode_t>(CUDNN_ATTR_CONVOLUTION_CONV_MODE) == CUDNN_CROSS_CORRELATION &&
         conv.one<cudnnDataType_t>(CUDNN_ATTR_CONVOLUTION_COMP_TYPE) == CUDNN_DATA_FLOAT &&
         conv.all<int64_t>(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS) ==
             conv.all<int64_t>(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS) &&
         fits(x, w, convolution_of(conv, x.c / w.c), y);
}

int engine_of(const FakeDescriptor& config) {
  return int(config.part(CUDNN_ATTR_ENGINECFG_ENGINE).one<int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX));
}

template <class T>
void give(const std::vector<T>& from, int64_t* count, void* to) {
  if (count) *count = int64_t(from.size());
  if (to && !from.empty()) std::memcpy(to, from.data(), from.size() * sizeof(T));
}

std::vector<cudnnBackendNumericalNote_t> notes_of(int engine) {
  if (engine == kNondeterministic) return {CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC};
  if (engine == kTensorCore) return {CUDNN_NUMERICAL_NOTE_TENSOR_CORE};
  return {};
}

std::vector<int> listed(const FakeDescriptor& heuristics) {
  const FakeDescriptor& graph = heuristics.part(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
  if (graph.parts.at(CUDNN_ATTR_OPERATIONGRAPH_OPS).size() > 1 && !fake_state()->fuses) return {};
  return heuristics.one<cudnnBackendHeurMode_t>(CUDNN_ATTR_ENGINEHEUR_MODE) == CUDNN_HEUR_MODE_A
             ? fake_state()->mode_a
             : fake_state()->fallback;
}

void give_configs(const FakeDescriptor& heuristics, int64_t requested, int64_t* count, void* to) {
  const std::vector<int> engines = listed(heuristics);
  *count = int64_t(engines.size());
  for (int64_t i = 0; i < std::min(requested, *count); i++) {
    const auto engine = std::make_shared<FakeDescriptor>();
    const int64_t index = engines[size_t(i)];
    auto& bytes = engine->values[CUDNN_ATTR_ENGINE_GLOBAL_INDEX];
    bytes.resize(sizeof index);
    std::memcpy(bytes.data(), &index, sizeof index);
    engine->parts[CUDNN_ATTR_ENGINE_OPERATION_GRAPH] =
        heuristics.parts.at(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
    fake(static_cast<cudnnBackendDescriptor_t*>(to)[i]).parts[CUDNN_ATTR_ENGINECFG_ENGINE] = {engine};
  }
}

// What the operations after the convolution do to its sums.
void add_epilogue(const FakeDescriptor& operation, const cudnnTensorStruct& y, std::vector<double>& sums,
                  const std::map<int64_t, void*>& data) {
  const auto mode = operation.part(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR)
                        .one<cudnnPointwiseMode_t>(CUDNN_ATTR_POINTWISE_MODE);
  const float* bias = nullptr;
  if (mode == CUDNN_POINTWISE_ADD)
    bias = floats(data.at(
        operation.part(CUDNN_ATTR_OPERATION_POINTWISE_BDESC).one<int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID)));
  for_each(y, [&](int64_t n, int64_t k, int64_t p, int64_t q) {
    double& v = sums[size_t(y.at(n, k, p, q))];
    v = bias                                  ? v + double(bias[k])
        : mode == CUDNN_POINTWISE_RELU_FWD    ? activate(CUDNN_ACTIVATION_RELU, v)
        : mode == CUDNN_POINTWISE_SIGMOID_FWD ? activate(CUDNN_ACTIVATION_SIGMOID, v)
                                              : activate(CUDNN_ACTIVATION_TANH, v);
  });
}

std::map<int64_t, void*> data_of(const FakeDescriptor& pack) {
  const auto uids = pack.all<int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
  const auto pointers = pack.all<void*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
  std::map<int64_t, void*> data;
  for (size_t i = 0; i < uids.size(); i++) data[uids[i]] = pointers[i];
  return data;
}

bool is_aligned(const FakeDescriptor& tensor, const std::map<int64_t, void*>& data) {
  const auto found = data.find(tensor.one<int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID));
  const auto alignment = uintptr_t(tensor.one<int64_t>(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT));
  return found == data.end() || reinterpret_cast<uintptr_t>(found->second) % alignment == 0;
}

bool execute(const FakeDescriptor& graph, const std::map<int64_t, void*>& data) {
  const auto& operations = graph.parts.at(CUDNN_ATTR_OPERATIONGRAPH_OPS);
  const FakeDescriptor& first = *operations[0];
  const Operation o = operation_of(first);
  const auto uid = [&](int attribute) {
    return first.part(attribute).one<int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID);
  };
  const auto at = [&](int attribute) {
    const auto found = data.find(uid(attribute));
    return found == data.end() ? nullptr : floats(found->second);  // not there: between two operations
  };
  for (const int attribute : {o.x, o.w, o.y})
    if (!is_aligned(first.part(attribute), data)) return false;
  const cudnnTensorStruct x = tensor_of(first.part(o.x)), y = tensor_of(first.part(o.y));
  const cudnnFilterStruct w{tensor_of(first.part(o.w))};
  auto sums = convolve(x, w, convolution_of(first.part(o.convolution), x.c / w.c), y, o.result, at(o.x),
                       at(o.w), at(o.y));
  int64_t to = uid(o.result == Result::x ? o.x : o.result == Result::w ? o.w : o.y);
  for (size_t i = 1; i < operations.size(); i++) {
    add_epilogue(*operations[i], y, sums, data);
    to = operations[i]->part(CUDNN_ATTR_OPERATION_POINTWISE_YDESC).one<int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID);
  }
  for (size_t i = 0; i < sums.size(); i++) floats(data.at(to))[i] = float(sums[i]);
  return true;
}

}  // namespace

extern "C" {

void cudnnGetLastErrorString(char* message, size_t most) { std::snprintf(message, most, "told to refuse"); }

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t* d) {
  FAKE_CUDNN_CALL;
  *d = new FakeDescriptor{type, {}, {}};
  fake_state()->alive++;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t d) {
  if (!d) return CUDNN_STATUS_SUCCESS;
  delete &fake(d);
  fake_state()->alive--;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t d, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t count,
                                       const void* elements) {
  FAKE_CUDNN_CALL;
  if (!d) return CUDNN_STATUS_BAD_PARAM;
  if (type == CUDNN_TYPE_BACKEND_DESCRIPTOR) {
    auto& parts = fake(d).parts[name];
    for (int64_t i = 0; i < count; i++)
      parts.push_back(
          std::make_shared<FakeDescriptor>(fake(static_cast<const cudnnBackendDescriptor_t*>(elements)[i])));
    return CUDNN_STATUS_SUCCESS;
  }
  const auto* const bytes = static_cast<const char*>(elements);
  fake(d).values[name].assign(bytes, bytes + size_t(count) * size_of(type));
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t const d, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t, int64_t requested, int64_t* count,
                                       void* elements) {
  FAKE_CUDNN_CALL;
  if (!d) return CUDNN_STATUS_BAD_PARAM;
  const FakeDescriptor& from = fake(d);
  const auto workspace = [](const FakeDescriptor& config) {
    return std::vector<int64_t>{engine_of(config) == kLarge ? int64_t{1} << 40 : kWorkspace};
  };
  switch (name) {
    case CUDNN_ATTR_ENGINEHEUR_RESULTS:
      give_configs(from, requested, count, elements);
      return CUDNN_STATUS_SUCCESS;
    case CUDNN_ATTR_ENGINECFG_ENGINE:
      if (!*static_cast<cudnnBackendDescriptor_t*>(elements)) return CUDNN_STATUS_BAD_PARAM;
      *count = 1;
      fake(*static_cast<cudnnBackendDescriptor_t*>(elements)) = from.part(name);
      return CUDNN_STATUS_SUCCESS;
    case CUDNN_ATTR_ENGINE_GLOBAL_INDEX:
      give(from.all<int64_t>(name), count, elements);
      return CUDNN_STATUS_SUCCESS;
    case CUDNN_ATTR_ENGINE_NUMERICAL_NOTE:
      give(notes_of(int(from.one<int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX))), count, elements);
      return CUDNN_STATUS_SUCCESS;
    case CUDNN_ATTR_ENGINECFG_WORKSPACE_SIZE:
      give(workspace(from), count, elements);
      return CUDNN_STATUS_SUCCESS;
    case CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE:
      give(workspace(from.part(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG)), count, elements);
      return CUDNN_STATUS_SUCCESS;
    case CUDNN_ATTR_ENGINECFG_SHARED_MEMORY_USED:
      give(std::vector<int32_t>{0}, count, elements);
      return CUDNN_STATUS_SUCCESS;
    case CUDNN_ATTR_ENGINECFG_KNOB_CHOICES:
    case CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE:
      *count = 0;
      return CUDNN_STATUS_SUCCESS;
    default:
      return CUDNN_STATUS_BAD_PARAM;
  }
}
cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t d) {
  FAKE_CUDNN_CALL;
  if (!d) return CUDNN_STATUS_BAD_PARAM;
  const FakeDescriptor& made = fake(d);
  if (made.type == CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR && !is_sound(made)) return CUDNN_STATUS_BAD_PARAM;
  if (made.type == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR &&
      engine_of(made.part(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG)) == kUnbuildable)
    return CUDNN_STATUS_NOT_SUPPORTED;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnBackendExecute(cudnnHandle_t, cudnnBackendDescriptor_t plan,
                                  cudnnBackendDescriptor_t pack) {
  FAKE_CUDNN_CALL;
  if (fake_state()->execute_fails) return CUDNN_STATUS_EXECUTION_FAILED;
  fake_state()->executed++;
  std::memset(fake(pack).one<void*>(CUDNN_ATTR_VARIANT_PACK_WORKSPACE), 0xCC,
              kWorkspace);  // it is the engine's
  const FakeDescriptor& engine =
      fake(plan).part(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG).part(CUDNN_ATTR_ENGINECFG_ENGINE);
  const bool done = execute(engine.part(CUDNN_ATTR_ENGINE_OPERATION_GRAPH), data_of(fake(pack)));
  return done ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_BAD_PARAM;
}

}  // extern "C"
