// The few kinds of failure. Thrown where known, caught at the edge of a unit of work (a request, a task, a batch, a
// model) and turned there into problem+json, a retry, a parked row or a failed node. What is not one of these is a bug
// and ends the unit of work as Permanent.
#pragma once
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>

namespace dalgona {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The input is wrong and stays wrong: answered as 400, parked, refused at start. The text names the field.
class InvalidInput : public Error {
 public:
  using Error::Error;
};

// May succeed when tried again: a peer that is away, a limit that is reached. `retry_after` is the peer's own advice,
// when it gave one.
class Retryable : public Error {
 public:
  explicit Retryable(const std::string& what, std::optional<std::chrono::milliseconds> after = {})
      : Error(what), retry_after(after) {}
  std::optional<std::chrono::milliseconds> retry_after;
};

// Will not succeed however often it is tried: refused credentials, a missing table, a broken invariant.
class Permanent : public Error {
 public:
  using Error::Error;
};

// Whoever asked has gone or the process is stopping. Never logged as an error.
class Cancelled : public Error {
 public:
  Cancelled() : Error("cancelled") {}
  using Error::Error;
};

}  // namespace dalgona
