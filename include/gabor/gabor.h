// All of gabor's public API.
#pragma once
#include "gabor/classifier.h"
#include "gabor/error.h"
#include "gabor/model_builder.h"
