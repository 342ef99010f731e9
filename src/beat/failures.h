// Failures that decide what becomes of a task, beside those of base/errors.h.
#pragma once
#include <string>

#include "base/errors.h"

namespace dalgona::beat {

// The source has no credential or quota left; `retry_after` says when it will. The task is not at fault.
class SourceExhausted : public Retryable {
 public:
  SourceExhausted(const std::string& what, std::chrono::milliseconds after, std::string name)
      : Retryable(what, after), source(std::move(name)) {}
  std::string source;  // credential source
};

// One of our own stores is away. The task is not at fault: it goes back without losing an attempt.
class StoreAway : public Retryable {
 public:
  using Retryable::Retryable;
};

// What was asked for is not there.
class NotFound : public Permanent {
 public:
  using Permanent::Permanent;
};

}  // namespace dalgona::beat
