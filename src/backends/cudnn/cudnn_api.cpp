#include "backends/cudnn/cudnn_api.h"

#include "core/error.h"
#include "core/text.h"

namespace gabor::cudnn {
namespace {

std::vector<std::string> files(const std::string& given, std::vector<std::string> usual) {
  if (!given.empty()) return {given};
  return usual;
}

}  // namespace

CudnnApi::CudnnApi(const std::string& file)
    : library("cuDNN", files(file, {"libcudnn.so.9", "libcudnn.so"})) {
  library.find("cudnnGetVersion", GetVersion);
  library.find("cudnnGetErrorString", GetErrorString);
  library.find("cudnnCreate", Create);
  library.find("cudnnDestroy", Destroy);
  library.find("cudnnSetStream", SetStream);
  library.find("cudnnCreateTensorDescriptor", CreateTensorDescriptor);
  library.find("cudnnDestroyTensorDescriptor", DestroyTensorDescriptor);
  library.find("cudnnSetTensor4dDescriptorEx", SetTensor4dDescriptorEx);
  library.find("cudnnCreateFilterDescriptor", CreateFilterDescriptor);
  library.find("cudnnDestroyFilterDescriptor", DestroyFilterDescriptor);
  library.find("cudnnSetFilter4dDescriptor", SetFilter4dDescriptor);
  library.find("cudnnSetTensor", SetTensor);
  library.find("cudnnAddTensor", AddTensor);
  library.find("cudnnTransformTensor", TransformTensor);
  library.find("cudnnCreateConvolutionDescriptor", CreateConvolutionDescriptor);
  library.find("cudnnDestroyConvolutionDescriptor", DestroyConvolutionDescriptor);
  library.find("cudnnSetConvolution2dDescriptor", SetConvolution2dDescriptor);
  library.find("cudnnSetConvolutionGroupCount", SetConvolutionGroupCount);
  library.find("cudnnSetConvolutionMathType", SetConvolutionMathType);
  library.find("cudnnGetConvolutionForwardAlgorithm_v7", GetConvolutionForwardAlgorithm_v7);
  library.find("cudnnGetConvolutionBackwardDataAlgorithm_v7", GetConvolutionBackwardDataAlgorithm_v7);
  library.find("cudnnGetConvolutionBackwardFilterAlgorithm_v7", GetConvolutionBackwardFilterAlgorithm_v7);
  library.find("cudnnConvolutionForward", ConvolutionForward);
  library.find("cudnnConvolutionBackwardData", ConvolutionBackwardData);
  library.find("cudnnConvolutionBackwardFilter", ConvolutionBackwardFilter);
  library.find("cudnnConvolutionBackwardBias", ConvolutionBackwardBias);
  library.find("cudnnCreateActivationDescriptor", CreateActivationDescriptor);
  library.find("cudnnDestroyActivationDescriptor", DestroyActivationDescriptor);
  library.find("cudnnSetActivationDescriptor", SetActivationDescriptor);
  library.find("cudnnActivationForward", ActivationForward);
  library.find("cudnnActivationBackward", ActivationBackward);
  library.find("cudnnCreatePoolingDescriptor", CreatePoolingDescriptor);
  library.find("cudnnDestroyPoolingDescriptor", DestroyPoolingDescriptor);
  library.find("cudnnSetPooling2dDescriptor", SetPooling2dDescriptor);
  library.find("cudnnPoolingForward", PoolingForward);
  library.find("cudnnPoolingBackward", PoolingBackward);
  library.find("cudnnSoftmaxForward", SoftmaxForward);
  library.find("cudnnSoftmaxBackward", SoftmaxBackward);
  library.find("cudnnBatchNormalizationForwardTraining", BatchNormalizationForwardTraining);
  library.find("cudnnBatchNormalizationForwardInference", BatchNormalizationForwardInference);
  library.find("cudnnBatchNormalizationBackward", BatchNormalizationBackward);
  constexpr size_t kOldest = 90000;
  if (const size_t version = GetVersion(); version < kOldest)
    fail(ErrorCode::device, "cuDNN", "{} is version {}; 9.0 or newer is needed", library.file(), version);
}

void CudnnApi::check(cudnnStatus_t status, const char* function) const {
  if (status != CUDNN_STATUS_SUCCESS)
    fail(ErrorCode::device, "cuDNN", "cudnn{} failed: {}", function, GetErrorString(status));
}

CublasApi::CublasApi(const std::string& file)
    : library("cuBLAS", files(file, {"libcublas.so.13", "libcublas.so.12", "libcublas.so"})) {
  library.find("cublasCreate_v2", Create);
  library.find("cublasDestroy_v2", Destroy);
  library.find("cublasSetStream_v2", SetStream);
  library.find("cublasSetMathMode", SetMathMode);
  library.find("cublasGetStatusString", GetStatusString);
  library.find("cublasSgemm_v2", Sgemm);
}

void CublasApi::check(cublasStatus_t status, const char* function) const {
  if (status != CUBLAS_STATUS_SUCCESS)
    fail(ErrorCode::device, "cuBLAS", "cublas{} failed: {}", function, GetStatusString(status));
}

}  // namespace gabor::cudnn
