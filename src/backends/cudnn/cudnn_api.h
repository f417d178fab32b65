// The functions of cuDNN and cuBLAS that are used, opened at run time, under their names without the prefix.
#pragma once
#include <cublas_v2.h>
#include <cudnn.h>

#include "backends/cudnn/shared_library.h"

namespace gabor::cudnn {

struct CudnnApi {
  // Throws Error{device}: not there, not whole, older than version 9.
  explicit CudnnApi(const std::string& file);

  SharedLibrary library;
  decltype(&cudnnGetVersion) GetVersion;
  decltype(&cudnnGetErrorString) GetErrorString;
  decltype(&cudnnCreate) Create;
  decltype(&cudnnDestroy) Destroy;
  decltype(&cudnnSetStream) SetStream;

  decltype(&cudnnCreateTensorDescriptor) CreateTensorDescriptor;
  decltype(&cudnnDestroyTensorDescriptor) DestroyTensorDescriptor;
  decltype(&cudnnSetTensor4dDescriptorEx) SetTensor4dDescriptorEx;
  decltype(&cudnnCreateFilterDescriptor) CreateFilterDescriptor;
  decltype(&cudnnDestroyFilterDescriptor) DestroyFilterDescriptor;
  decltype(&cudnnSetFilter4dDescriptor) SetFilter4dDescriptor;
  decltype(&cudnnSetTensor) SetTensor;
  decltype(&cudnnAddTensor) AddTensor;
  decltype(&cudnnTransformTensor) TransformTensor;

  decltype(&cudnnCreateConvolutionDescriptor) CreateConvolutionDescriptor;
  decltype(&cudnnDestroyConvolutionDescriptor) DestroyConvolutionDescriptor;
  decltype(&cudnnSetConvolution2dDescriptor) SetConvolution2dDescriptor;
  decltype(&cudnnSetConvolutionGroupCount) SetConvolutionGroupCount;
  decltype(&cudnnSetConvolutionMathType) SetConvolutionMathType;
  decltype(&cudnnGetConvolutionForwardAlgorithm_v7) GetConvolutionForwardAlgorithm_v7;
  decltype(&cudnnGetConvolutionBackwardDataAlgorithm_v7) GetConvolutionBackwardDataAlgorithm_v7;
  decltype(&cudnnGetConvolutionBackwardFilterAlgorithm_v7) GetConvolutionBackwardFilterAlgorithm_v7;
  decltype(&cudnnConvolutionForward) ConvolutionForward;
  decltype(&cudnnConvolutionBackwardData) ConvolutionBackwardData;
  decltype(&cudnnConvolutionBackwardFilter) ConvolutionBackwardFilter;
  decltype(&cudnnConvolutionBackwardBias) ConvolutionBackwardBias;

  decltype(&cudnnCreateActivationDescriptor) CreateActivationDescriptor;
  decltype(&cudnnDestroyActivationDescriptor) DestroyActivationDescriptor;
  decltype(&cudnnSetActivationDescriptor) SetActivationDescriptor;
  decltype(&cudnnActivationForward) ActivationForward;
  decltype(&cudnnActivationBackward) ActivationBackward;

  decltype(&cudnnCreatePoolingDescriptor) CreatePoolingDescriptor;
  decltype(&cudnnDestroyPoolingDescriptor) DestroyPoolingDescriptor;
  decltype(&cudnnSetPooling2dDescriptor) SetPooling2dDescriptor;
  decltype(&cudnnPoolingForward) PoolingForward;
  decltype(&cudnnPoolingBackward) PoolingBackward;

  decltype(&cudnnSoftmaxForward) SoftmaxForward;
  decltype(&cudnnSoftmaxBackward) SoftmaxBackward;
  decltype(&cudnnBatchNormalizationForwardTraining) BatchNormalizationForwardTraining;
  decltype(&cudnnBatchNormalizationForwardInference) BatchNormalizationForwardInference;
  decltype(&cudnnBatchNormalizationBackward) BatchNormalizationBackward;

  // Throws Error{device} with the function's name and cuDNN's text.
  void check(cudnnStatus_t status, const char* function) const;
};

struct CublasApi {
  explicit CublasApi(const std::string& file);  // as CudnnApi

  SharedLibrary library;
  decltype(&cublasCreate_v2) Create;
  decltype(&cublasDestroy_v2) Destroy;
  decltype(&cublasSetStream_v2) SetStream;
  decltype(&cublasSetMathMode) SetMathMode;
  decltype(&cublasGetStatusString) GetStatusString;
  decltype(&cublasSgemm_v2) Sgemm;

  void check(cublasStatus_t status, const char* function) const;
};

}  // namespace gabor::cudnn
