#include "sandbox/youtube_error.h"

#include <fmt/format.h>

namespace dalgona::sandbox {

void append_json(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '<':
        out += "\\u003c";
        break;
      case '>':
        out += "\\u003e";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
          out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
        else
          out += c;
    }
  }
  out += '"';
}

std::string ApiError::json() const {
  std::string message;
  append_json(message, what());
  std::string out =
      fmt::format(R"({{"error":{{"code":{},"message":{},"errors":[{{"message":{},"domain":"{}","reason":"{}")", status,
                  message, message, domain, reason);
  if (!location.empty()) {
    out += ",\"location\":";
    append_json(out, location);
    out += ",\"locationType\":";
    append_json(out, location_type);
  }
  out += "}]";
  if (!status_name.empty()) out += fmt::format(R"(,"status":"{}")", status_name);
  if (!detail_reason.empty())
    out += fmt::format(R"(,"details":[{{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"{}",)"
                       R"("domain":"googleapis.com","metadata":{{"service":"youtube.googleapis.com"}}}}])",
                       detail_reason);
  return out + "}}";
}

ApiError invalid_parameter(const std::string& name, const std::string& message) {
  return ApiError(400, "invalidParameter", "global", message).at(name);
}

ApiError quota_exceeded() {
  return {403, "quotaExceeded", "youtube.quota",
          "The request cannot be completed because you have exceeded your "
          "<a href=\"/youtube/v3/getting-started#quota\">quota</a>."};
}

ApiError rate_limit_exceeded() {
  return ApiError(429, "rateLimitExceeded", "usageLimits",
                  "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute' of service "
                  "'youtube.googleapis.com'.")
      .canonical("RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED");
}

ApiError key_missing() {
  return ApiError(403, "forbidden", "global",
                  "Method doesn't allow unregistered callers (callers without established identity). Please use API "
                  "Key or other form of API consumer identity to call this API.")
      .canonical("PERMISSION_DENIED");
}

ApiError key_invalid() {
  return ApiError(400, "keyInvalid", "usageLimits", "API key not valid. Please pass a valid API key.")
      .canonical("INVALID_ARGUMENT", "API_KEY_INVALID");
}

ApiError injected_error(int status) {
  switch (status) {
    case 429:
      return rate_limit_exceeded();
    case 403:
      return quota_exceeded();
    case 503:
      return ApiError(503, "backendError", "global", "The service is currently unavailable.").canonical("UNAVAILABLE");
    default:
      return ApiError(500, "backendError", "global", "Internal error encountered.").canonical("INTERNAL");
  }
}

}  // namespace dalgona::sandbox
