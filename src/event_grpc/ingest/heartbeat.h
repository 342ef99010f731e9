// What a load balancer asks: is this process to be sent anything?
#pragma once
#include <atomic>
#include <functional>

#include "base/http/server.h"

namespace dalgona::event_grpc {

// Set by PUT /heartbeat {"beat": false}, as with the original: a load balancer takes the process out on 410 while it
// works on. Thread-safe.
using Draining = std::atomic<bool>;

// GET /heartbeat: 200 "ok"; 410 while draining; 503 until `ready` was true once. PUT /heartbeat {"beat": true|false}.
// `draining` outlives the server; `on_change` is told of each PUT (true: drain).
void add_heartbeat(http::Router& router, Draining& draining, std::function<bool()> ready,
                   std::function<void(bool)> on_change);

}  // namespace dalgona::event_grpc
