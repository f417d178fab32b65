// A shared library that has nothing of cuDNN.
extern "C" int nothing_of_cudnn() { return 0; }
