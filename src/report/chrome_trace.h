#pragma once
#include <string>
#include <vector>

namespace gabor {

// A timeline as chrome://tracing and ui.perfetto.dev open it: JSON of the Trace Event Format (Google, 2016), complete
// events ("X").
class ChromeTrace {
 public:
  // lane: row of the picture, by order of first use. Times in seconds, begin since any one moment.
  void add(const std::string& lane, const std::string& name, double begin, double seconds);
  std::string json() const;

 private:
  struct Event {
    size_t lane;
    std::string name;
    double begin, seconds;
  };
  std::vector<std::string> lanes_;
  std::vector<Event> events_;
};

}  // namespace gabor
