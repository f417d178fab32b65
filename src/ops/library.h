// The ordered choice between backends. Made once, at set-up; every choice is recorded with the reasons of
// those that were passed over, so that a run can say what it used and why.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/error.h"
#include "ops/backend.h"
#include "ops/support.h"

namespace gabor {

// What was chosen for one op of one layer.
struct ChoiceRecord {
  std::string where;                     // "conv1 fprop"
  std::string op;                        // "conv2d"
  std::string problem;                   // string form
  std::string backend;                   // the winner
  std::vector<std::string> passed_over;  // "cpu: dilation with groups is not supported"
};

class Library {
 public:
  // Backends in order of preference, all for the same device; at least one. notes: see notes().
  explicit Library(std::vector<std::shared_ptr<const Backend>> backends, std::vector<std::string> notes = {});

  Device& device() const { return *device_; }
  const std::vector<std::shared_ptr<const Backend>>& backends() const { return backends_; }  // in order
  std::vector<std::string> names() const;
  // Why backends that would have come first are not here: "cuda: the NVIDIA driver sees no GPU".
  const std::vector<std::string>& notes() const { return notes_; }

  // The first backend, in order, that has the op and supports it; `prefer` (may be "") moves that one to the
  // front. can(op) asks one implementation. Throws Error{device} with every reason when none does.
  template <class Op, class Can>
  const Op* choose(const Op* OpSet::*member, Can&& can, ChoiceRecord& record,
                   const std::string& prefer = "") const {
    record.passed_over.clear();
    for (const Backend* backend : ordered(prefer)) {
      const Op* op = backend->ops().*member;
      const Support answer = op ? can(*op) : Support::no("not written for this backend");
      if (answer) {
        record.backend = backend->name();
        return op;
      }
      record.passed_over.push_back(std::string(backend->name()) + ": " + answer.reason);
    }
    none(record);
  }

  // As choose, but null when no backend has it (for fusions, which are optional).
  template <class Op, class Can>
  const Op* find(const Op* OpSet::*member, Can&& can, ChoiceRecord& record,
                 const std::string& prefer = "") const {
    for (const Backend* backend : ordered(prefer))
      if (const Op* op = backend->ops().*member; op && can(*op)) return record.backend = backend->name(), op;
    return nullptr;
  }

 private:
  std::vector<const Backend*> ordered(const std::string& prefer) const;
  [[noreturn]] void none(const ChoiceRecord& record) const;
  std::vector<std::shared_ptr<const Backend>> backends_;
  std::vector<std::string> notes_;
  Device* device_;
};

}  // namespace gabor
