// Errors as the YouTube Data API words them: a JSON object with code, message and a list of reasons.
#pragma once
#include <stdexcept>
#include <string>

namespace dalgona::sandbox {

struct ApiError : std::runtime_error {
  ApiError(int s, std::string r, std::string d, const std::string& message)
      : std::runtime_error(message), status(s), reason(std::move(r)), domain(std::move(d)) {}
  ApiError& at(std::string where, std::string kind = "parameter") {
    location = std::move(where);
    location_type = std::move(kind);
    return *this;
  }
  // The canonical name, "INVALID_ARGUMENT" and the like, where the API gives one.
  ApiError& canonical(std::string name, std::string detail = {}) {
    status_name = std::move(name);
    detail_reason = std::move(detail);
    return *this;
  }
  int status;
  std::string reason, domain, location, location_type, status_name, detail_reason;

  std::string json() const;
};

// 400 with reason invalidParameter.
ApiError invalid_parameter(const std::string& name, const std::string& message);
// What the injected statuses say: 500, 503, 429, 403.
ApiError injected_error(int status);
ApiError quota_exceeded();
ApiError rate_limit_exceeded();
ApiError key_missing();
ApiError key_invalid();

// Appends `text` as a JSON string, '<' and '>' escaped as the API does.
void append_json(std::string& out, std::string_view text);

}  // namespace dalgona::sandbox
