#include <string_view>

#include "cli/app.h"
#include "cli/wait_policy.h"

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "train")
    gabor::prefer_short_waits(argv);  // the verb that runs for long
  return gabor::run(argc, argv);
}
