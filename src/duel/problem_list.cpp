#include "duel/problem_list.h"

#include <fstream>
#include <sstream>

#include "core/error.h"
#include "core/text.h"
#include "duel/problem_text.h"

namespace gabor {
namespace {

constexpr size_t kMostBytes = size_t{16} << 20;

std::string words_from(const std::vector<std::string>& words, size_t first) {
  return join({words.begin() + long(first), words.end()}, " ");
}

// words: tag and problem.
DuelProblem parse(std::vector<std::string> words) {
  DuelProblem item;
  item.tag = words[0];
  if (words.back() == "first" && words.size() > 2) item.first = true, words.pop_back();
  if (words.size() < 2) fail(ErrorCode::usage, "", "a tag without a problem");
  item.problem = parse_problem(words_from(words, 1));
  item.first |= std::holds_alternative<FirstBlockProblem>(item.problem);
  return item;
}

}  // namespace

std::vector<DuelProblem> read_problem_list(const std::string& path) {
  std::ifstream file(path);
  if (!file)
    fail(ErrorCode::usage, printable(path), "cannot be read; expected a model or a file of problems");
  std::vector<DuelProblem> list;
  size_t bytes = 0;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    number++;
    if ((bytes += line.size()) > kMostBytes)
      fail(ErrorCode::usage, printable(path), "is too large for a file of problems");
    std::istringstream in(line.substr(0, line.find('#')));
    std::vector<std::string> words;
    for (std::string word; in >> word;) words.push_back(word);
    if (words.empty()) continue;
    const std::string place = fmt::format("{}:{}", printable(path), number);
    try {
      list.push_back(parse(std::move(words)));
    } catch (const Error& e) {
      fail(ErrorCode::usage, place, "{}; expected TAG PROBLEM, e.g. lenet N=32 H=28 W=28 C=1 K=6 R=5 S=5",
           printable(e.what()));
    }
    list.back().name = fmt::format("{} {}", list.back().tag, list.size());
  }
  if (list.empty()) fail(ErrorCode::usage, printable(path), "has no problem; a line is TAG PROBLEM");
  return list;
}

}  // namespace gabor
