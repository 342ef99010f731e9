// What a handler throws when the answer is a problem of another status than the server's own mapping gives (400 for
// InvalidInput, 503 for Retryable). The text is what the client sees.
#pragma once
#include <string>
#include <utility>

#include "base/errors.h"
#include "base/http/message.h"

namespace dalgona::coffee {

class Refusal : public Error {
 public:
  Refusal(int status_, std::string title_, const std::string& detail, http::Headers headers_ = {})
      : Error(detail), status(status_), title(std::move(title_)), headers(std::move(headers_)) {}
  int status;
  std::string title;
  http::Headers headers;
};

inline Refusal not_found(const std::string& detail) {
  return {404, "Not Found", detail};
}

}  // namespace dalgona::coffee
