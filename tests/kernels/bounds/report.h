// The rows of kernels/BOUNDS.md.
#pragma once
#include <functional>
#include <string>

#include "kernels/bounds/launches.h"

namespace gabor::kernels::bounds {

enum class Engine { ffma, half };

struct Card {
  int capability, multiprocessors;
  double bytes_per_second;  // H200: a measured copy; GTX 1660 Ti: the maker's figure
  double ffma, half;        // FLOP/s; 0: has none
  double clock;             // Hz: ffma / (2 * FFMA lanes of all multiprocessors)
};
// The figures of roofline.py's table.
inline constexpr Card kH200{90, 132, 4.3e12, 67e12, 990e12, 67e12 / (2.0 * 128 * 132)};
inline constexpr Card kGtx1660Ti{75, 24, 288e9, 5.4e12, 0, 5.4e12 / (2.0 * 64 * 24)};

// One call of a launcher on a card.
struct Work {
  std::vector<simt::host::Launch> launches;
  double asked = 0, issued = 0;  // FLOPs: of the formula; with what the tiles add
  double dram = 0;               // bytes: each tensor once
  double l2 = 0;                 // bytes that the blocks ask for and write, the workspace among them
  double shared_cycles = 0;      // of a multiprocessor's shared memory, where that may be the bound
  Engine engine = Engine::ffma;
};
// The longest of memory, products as issued, and shared memory.
double floor_seconds(const Work& w, const Card& card);

// A row of the table: the same call on both cards; "-" where the card has no such engine.
std::string row(const std::string& what, const std::function<Work(const Card&)>& work);
std::string table_head();

std::string conv2d_rows();  // with a heading a layer
std::string dense_rows();
std::string head_launch_rows();
std::string first_block_rows();
std::string pool_rows();
std::string batchnorm_rows();
std::string loss_rows();
std::string map_rows();
std::string parameter_rows();

// Floors of a training step of the article's net by its fused kernels, in seconds.
struct Step {
  double forward, backward;
};
Step article_step(const Card& card);

}  // namespace gabor::kernels::bounds
