#include "cli/app.h"

int main(int argc, char** argv) { return gabor::run(argc, argv); }
