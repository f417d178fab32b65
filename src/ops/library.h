// The ordered choice between backends. Made once, at set-up; every choice is recorded with the reasons of
// those that were passed over, so that a run can say what it used and why. Measured choices (src/tune) come to it as a
// table: nothing is timed here.
#pragma once
#include <map>
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
  std::string measured{};                // "1.58x faster than cpu (direct)"; "": the order decided
};

// A backend, or one of its variants, that is to run one pass of one layer out of order.
struct TunedChoice {
  std::string backend;  // "cpu/onednn"
  std::string reason;   // as ChoiceRecord::measured
};
using TunedChoices = std::map<std::string, TunedChoice>;  // by ChoiceRecord::where

class Library {
 public:
  // Backends in order of preference, all for the same device; at least one. notes: see notes().
  explicit Library(std::vector<std::shared_ptr<const Backend>> backends, std::vector<std::string> notes = {});

  Device& device() const { return *device_; }
  const std::vector<std::shared_ptr<const Backend>>& backends() const { return backends_; }  // in order
  std::vector<std::string> names() const;
  size_t fixed_bytes() const;                           // of all backends
  const Backend* named(const std::string& name) const;  // a backend or a variant; null: not here
  const std::vector<std::shared_ptr<const Backend>>& variants() const { return variants_; }  // of all of them
  // What is not as it could be, and why: "cuda: the NVIDIA driver sees no GPU" (a backend that would have come first).
  const std::vector<std::string>& notes() const { return notes_; }

  const TunedChoices& choices() const { return tuned_; }
  // The same, with these choices where no other backend is asked for. One that is not here is left out, with a note.
  Library tuned(TunedChoices choices, const std::vector<std::string>& notes) const;

  // The same, computing as Traits::math says ("tf32") where it can: each backend comes after its variant of that name
  // ("cuda/tf32"), if it has one. Measured choices that compute less exactly are left out. "fp32": none comes before.
  // Where these variants keep tensors in another element type than f32 ("cuda/bf16"), they are the only ones: what lies
  // between two ops has one type.
  Library in_precision(const std::string& math) const;
  const std::string& precision() const { return precision_; }
  DType storage() const { return storage_; }  // Traits::storage of all that is chosen

  // Throws Error{usage} for a variant that a backend of the list does not have. A backend that is not in the list is no
  // error: a model file may be written for another machine. where: who asks for it.
  void check_name(const std::string& name, const std::string& where) const;

  // The first backend, in order, that has the op and supports it; `prefer` (may be "") moves that one to the front: the
  // name of a backend, or of a variant ("cpu/onednn"), whose own backend then comes second. can(op) asks one
  // implementation. Throws Error{device} with every reason when none does.
  template <class Op, class Can>
  const Op* choose(const Op* OpSet::*member, Can&& can, ChoiceRecord& record,
                   const std::string& prefer = "") const {
    record.passed_over.clear();
    if (const std::string why = unfit(prefer); !why.empty()) record.passed_over.push_back(why);
    const TunedChoice* tuned = prefer.empty() ? tuned_for(record) : nullptr;
    for (const Backend* backend : tuned ? ordered(tuned->backend, true) : ordered(prefer)) {
      const Op* op = backend->ops().*member;
      if (!op && is_variant(*backend)) continue;  // a variant has the ops it is a variant of, no more
      const Support answer = op ? can(*op) : Support::no("not written for this backend");
      if (answer) {
        record.backend = backend->name();
        if (tuned && record.backend == tuned->backend) record.measured = tuned->reason;
        return op;
      }
      record.passed_over.push_back(std::string(backend->name()) + ": " + answer.reason);
    }
    none(record);
  }

  // As choose, but null when no backend has it (for fusions, which are optional). When `prefer` is a variant, null when
  // that one does not have it: the kernel that was asked for is not fused away.
  template <class Op, class Can>
  const Op* find(const Op* OpSet::*member, Can&& can, ChoiceRecord& record,
                 const std::string& prefer = "") const {
    for (const Backend* backend : ordered(prefer)) {
      if (const Op* op = backend->ops().*member; op && can(*op)) return record.backend = backend->name(), op;
      if (is_variant(*backend) && backend->name() == prefer) return nullptr;
    }
    return nullptr;
  }

 private:
  static bool is_variant(const Backend& backend) {
    return backend.name().find('/') != std::string_view::npos;
  }
  const TunedChoice* tuned_for(const ChoiceRecord& record) const;
  // Why the variant of that name is not asked though it is here: it keeps tensors in another type; "": it is, or is none.
  std::string unfit(const std::string& prefer) const;
  // Those of the library's storage. exactly: `prefer` comes before its own variant of precision_, too.
  std::vector<const Backend*> ordered(const std::string& prefer, bool exactly = false) const;
  [[noreturn]] void none(const ChoiceRecord& record) const;
  std::vector<std::shared_ptr<const Backend>> backends_, variants_;
  std::vector<std::string> notes_;
  TunedChoices tuned_;
  std::string precision_ = "fp32";
  DType storage_ = DType::f32;
  Device* device_;
};

}  // namespace gabor
