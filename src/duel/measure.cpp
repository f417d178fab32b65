#include "duel/measure.h"

namespace gabor {

std::vector<std::vector<double>> measure(const std::vector<Contestant>& contestants, const Repetitions& o) {
  std::vector<std::vector<double>> samples(contestants.size());
  std::vector<size_t> turns;
  for (size_t i = 0; i < contestants.size(); i++)
    if (contestants[i].first_seconds * o.least > o.seconds)
      samples[i].push_back(contestants[i].first_seconds);
    else
      turns.push_back(i);
  for (const size_t i : turns) contestants[i].run();
  double spent = 0;
  for (int r = 0; r < o.most && !turns.empty() && (r < o.least || spent < o.seconds); r++)
    for (size_t turn = 0; turn < turns.size(); turn++) {
      const size_t i = turns[(turn + size_t(r)) % turns.size()];
      const Contestant& c = contestants[i];
      spent += c.stopwatch->seconds(c.flush);
      const double seconds = c.stopwatch->seconds(c.run);
      samples[i].push_back(seconds);
      spent += seconds;
    }
  return samples;
}

}  // namespace gabor
