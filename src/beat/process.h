// Process: a harvest becomes events and rows.
#pragma once
#include "base/amqp/amqp.h"
#include "base/postgres/postgres.h"
#include "beat/failures.h"
#include "beat/flows/youtube_flows.h"
#include "beat/queue.h"

namespace dalgona::beat {

// Thread-safe.
class Processor {
 public:
  Processor(postgres::Pool& pool, amqp::Publisher& publisher, size_t rows_per_statement, size_t events_per_message)
      : pool_(pool),
        publisher_(publisher),
        rows_per_statement_(rows_per_statement),
        events_per_message_(events_per_message) {}
  // First the events, confirmed by the broker, then the rows: the events are the record, the rows say what they said
  // last and can be made again from a later observation. docs/beat.md weighs the orders.
  Task<void> process(const Lease& lease, const Harvest& harvest);

 private:
  Task<void> publish(const Lease& lease, const Harvest& harvest);
  Task<void> upsert(const Harvest& harvest);

  postgres::Pool& pool_;
  amqp::Publisher& publisher_;
  size_t rows_per_statement_, events_per_message_;
};

// Older observations never overwrite newer ones. For Processor and its tests.
Task<void> upsert_accounts(postgres::Pool& pool, std::vector<const Observed<youtube::Profile>*> profiles);
Task<void> upsert_posts(postgres::Pool& pool, std::vector<const Observed<youtube::Post>*> posts);

}  // namespace dalgona::beat
