#include "kernels/bounds/report.h"

#include <algorithm>
#include <cstdio>

namespace gabor::kernels::bounds {
namespace {

double peak(const Card& card, Engine engine) { return engine == Engine::ffma ? card.ffma : card.half; }

std::string text(const char* format, double v) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, format, v);
  return buffer;
}

// "1056x256": blocks and threads of the first launch; "+2": further launches.
std::string geometry(const Work& w, double* blocks) {
  if (w.launches.empty()) throw simt::Error("bounds: a launcher launched nothing");
  const auto& first = w.launches.front();
  *blocks = double(first.grid.x) * first.grid.y * first.grid.z;
  std::string out = text("%.0f", *blocks) + "x" + std::to_string(first.block.x);
  if (w.launches.size() > 1) out += " +" + std::to_string(w.launches.size() - 1);
  return out;
}

// Blocks at once by threads and dynamic shared memory (registers: resources.tsv), so at least so many waves.
double waves(const Work& w, const Card& card, double blocks) {
  const bool turing = card.capability == 75;
  const double threads = turing ? 1024 : 2048, shared = (turing ? 64 : 227) * 1024, most = turing ? 16 : 32;
  const auto& launch = w.launches.front();
  double at_once = std::min(most, double(int(threads / launch.block.x)));
  if (launch.smem > 0) at_once = std::min(at_once, double(int(shared / double(launch.smem))));
  return blocks / (at_once * card.multiprocessors);
}

// Floor of a card: for the FLOPs asked, and as issued, with what bounds it.
std::string floor_of(const Work& w, const Card& card) {
  const double memory = w.dram / card.bytes_per_second, math = w.issued / peak(card, w.engine);
  const double asked = std::max(memory, w.asked / peak(card, w.engine)), floor = floor_seconds(w, card);
  const char* bound = floor < 2e-6                     ? "launch"
                      : floor == memory                ? "DRAM"
                      : floor > std::max(memory, math) ? "shared memory"
                      : w.engine == Engine::ffma       ? "FFMA"
                                                       : "tensor";
  return text("%.1f", asked * 1e6) + " | " + text("%.1f", floor * 1e6) + " " + bound;
}

}  // namespace

double floor_seconds(const Work& w, const Card& card) {
  return std::max(
      {w.dram / card.bytes_per_second, w.issued / peak(card, w.engine), w.shared_cycles / card.clock});
}

std::string table_head() {
  return "| call | blocks x threads, H200 / 1660 Ti | waves | MFLOP asked | issued / asked | DRAM MB | L2 "
         "MB | "
         "FLOP/B | H200 us: asked | as issued | 1660 Ti us: asked | as issued |\n"
         "|---|---|---|---|---|---|---|---|---|---|---|---|\n";
}

std::string row(const std::string& what, const std::function<Work(const Card&)>& work) {
  const Work h = work(kH200);
  double blocks = 0;
  std::string grid = geometry(h, &blocks), turns = text("%.2g", waves(h, kH200, blocks)), second = "- | -";
  if (peak(kGtx1660Ti, h.engine) > 0) {
    const Work g = work(kGtx1660Ti);
    grid += " / " + geometry(g, &blocks);
    turns += " / " + text("%.2g", waves(g, kGtx1660Ti, blocks));
    second = floor_of(g, kGtx1660Ti);
  }
  return "| " + what + " | " + grid + " | " + turns + " | " + text("%.4g", h.asked / 1e6) + " | " +
         text("%.2f", h.asked > 0 ? h.issued / h.asked : 1) + " | " + text("%.3g", h.dram / 1e6) + " | " +
         text("%.3g", h.l2 / 1e6) + " | " + text("%.3g", h.asked / h.dram) + " | " + floor_of(h, kH200) +
         " | " + second + " |\n";
}

}  // namespace gabor::kernels::bounds
