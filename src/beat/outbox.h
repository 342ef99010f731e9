// State changes of tasks on their way to the broker: rows that the queue's triggers leave, published, then deleted.
#pragma once
#include <string>
#include <string_view>

#include "base/amqp/amqp.h"
#include "base/clock.h"
#include "base/postgres/postgres.h"

namespace dalgona::beat {

// One scrape_request_log_events event from a row of the outbox. The id comes from `seq`, which no two changes share.
std::string state_event(int64_t seq, Time at, std::string_view body);

// Used by one coroutine at a time; several processes may drain one outbox.
class Outbox {
 public:
  // `publish` false: rows are only deleted.
  Outbox(postgres::Pool& pool, amqp::Publisher& publisher, size_t events_per_message, bool publish)
      : pool_(pool), publisher_(publisher), events_per_message_(events_per_message), publish_(publish) {}
  // Publishes some and deletes them once the broker has confirmed; how many. 0: it was empty.
  Task<size_t> drain_some();

 private:
  postgres::Pool& pool_;
  amqp::Publisher& publisher_;
  size_t events_per_message_;
  bool publish_;
  // Between a confirm and the commit of the deletion we, or who ran before us, may have died.
  bool maybe_resent_ = true;
};

}  // namespace dalgona::beat
