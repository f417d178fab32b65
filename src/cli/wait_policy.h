#pragma once

namespace gabor {

// The OpenMP runtime lets idle threads of its team spin for milliseconds. When anything else wants the cores
// (the loader's threads do, at every step) that is ruinous: a LeNet-5 epoch was seen to take 58 s instead of
// 2 on a busy machine. The runtime reads its policy from the environment once, before main; so this sets the
// policy and starts the program again, unless the user has chosen one. Returns when there is nothing to do or
// it cannot be done.
void prefer_short_waits(char** argv);

}  // namespace gabor
