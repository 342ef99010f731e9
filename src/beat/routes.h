// beat over HTTP: scrape requests in, their state out.
#pragma once
#include "base/http/server.h"
#include "beat/catalogue.h"
#include "beat/queue.h"
#include "beat/worker.h"

namespace dalgona::beat {

// A scrape request as JSON, checked against its flow. Throws InvalidInput. Shared by HTTP and the command line.
NewTask read_task(const Catalogue& catalogue, const boost::json::value& request, int default_max_attempts);

http::Router routes(Queue& queue, const Catalogue& catalogue, Worker& worker, int default_max_attempts);

}  // namespace dalgona::beat
