#include "dalgona/roles.h"

namespace dalgona {

std::span<const RoleSpec> known_roles() {
  static const std::vector<RoleSpec> roles{
      {"warehouse", "warehouse", {}},
      {"sandbox", "sandbox", {}},
      // It declares the queues and makes the warehouse's tables, so it comes before those who use them.
      {"event-grpc", "event_grpc", {"postgres", "rabbitmq", "warehouse"}},
      {"beat", "beat", {"postgres", "rabbitmq", "sandbox", "event-grpc"}},
      {"stir", "stir", {"postgres", "warehouse", "event-grpc"}},
      {"coffee", "coffee", {"postgres", "warehouse", "event-grpc"}},
  };
  return roles;
}

}  // namespace dalgona
