// Logs as events: what beat says on the exchange beat.dx.
#pragma once
#include <string>
#include <vector>

#include "base/amqp/amqp.h"
#include "beat/flows/youtube_flows.h"

namespace dalgona::beat {

inline constexpr const char* kExchange = "beat.dx";

// One line of NDJSON. The id is derived from task, entity and observation (docs/beat.md), so that a task that is done
// again after a crash says the same again.
std::string profile_event(int64_t task, const std::string& source, const Observed<youtube::Profile>& profile);
std::string post_event(int64_t task, const std::string& source, const Observed<youtube::Post>& post);

// Lines packed into messages of at most `per_message`; `resent`: they may be in the queue already.
std::vector<amqp::Message> pack(const std::string& routing_key, const std::vector<std::string>& lines,
                                size_t per_message, bool resent);

// Exchange, queues and bindings of the streams that beat publishes to, from config/streams/.
amqp::Topology topology();

}  // namespace dalgona::beat
