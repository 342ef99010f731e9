// Events over HTTP: POST /events (Events as JSON, an array of them, or one a line), POST /events/{stream} (events in a
// stream's own form), and the webhooks that the catalogue names.
#pragma once
#include <map>
#include <string>

#include "base/amqp/amqp.h"
#include "base/config.h"
#include "base/http/server.h"
#include "event_grpc/ingest/access.h"
#include "event_grpc/ingest/dispatch.h"
#include "event_grpc/ingest/intake.h"
#include "events/catalogue.h"

namespace dalgona::event_grpc {

struct HttpIngest {
  amqp::Publisher& publisher;
  Intake& intake;
  const DispatchPlan& plan;
  const ApiKeys& keys;
  const std::vector<events::Stream>& streams;
  std::map<std::string, std::string> secrets;  // by config key
  uint64_t max_body = 4 << 20;
};

// Answers {"accepted": N} once the broker has confirmed; 400 with what is wrong, 401 without key or signature, 413,
// 429 with Retry-After when the buffer is full (told before the body is read, or as soon as it fills up), 503 with
// Retry-After when the broker is away. Nothing of a request that is not answered 200 is kept out of sight: it was not
// published, or may be sent again with the same ids. `ingest` outlives the server.
void add_ingest_routes(http::Router& router, const HttpIngest& ingest);

// The config keys of the secrets that these streams' webhooks need.
std::vector<std::string> secret_keys(const std::vector<events::Stream>& streams);

}  // namespace dalgona::event_grpc
