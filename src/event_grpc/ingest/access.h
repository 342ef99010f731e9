// Who may send events: API keys, and the signatures of webhooks. Compared in constant time; never logged.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "events/catalogue.h"

namespace dalgona::event_grpc {

// Immutable; thread-safe.
class ApiKeys {
 public:
  // None: everybody may send.
  explicit ApiKeys(std::vector<std::string> keys) : keys_(std::move(keys)) {}
  bool open() const { return keys_.empty(); }
  bool allows(std::string_view key) const;
  // "Bearer KEY" as in Authorization; the word in any case.
  bool allows_authorization(std::string_view value) const;

 private:
  std::vector<std::string> keys_;
};

// Whether `given` (as it stands in the header) is the HMAC-SHA256 of the raw body with this secret. An empty secret
// matches nothing.
bool signature_matches(events::Ingest::Signature kind, std::string_view secret, std::string_view body,
                       std::string_view given);

}  // namespace dalgona::event_grpc
