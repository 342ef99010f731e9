#include "event_grpc/sink.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <optional>
#include <set>
#include <span>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/amqp/amqp.h"
#include "base/amqp/body_coding.h"
#include "base/errors.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/text.h"
#include "event_grpc/ack_pacer.h"
#include "event_grpc/delivery.h"
#include "event_grpc/recent_ids.h"

namespace dalgona::event_grpc {

namespace {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::chrono::seconds kQuiet{5};
constexpr size_t kWorthwhile = 10'000;  // rows whose insert costs more than what every insert costs
// Without a delivery: nothing more is on its way. A busy queue sends in steps, some tens of milliseconds apart.
constexpr std::chrono::milliseconds kPause{100};
// Without acknowledgement: half a second's worth and more, and as many come again after a kill. The broker pays for
// each (docs/traps.md).
constexpr double kMostMessages = 64'000;
constexpr int kMostToChange = 4000;   // so many under way are put aside without harm while prefetch is changed
constexpr int kMessagesAtOnce = 200;  // messages taken before acknowledgements and the committers are looked after
// Of one stream. The server reads one insert while it sorts and writes the other, on the processor that would rest.
constexpr int kCommitsAtOnce = 2;
constexpr std::chrono::seconds kLastCommits{5};  // what commits that are under way may take at a stop

struct SinkMeters {
  prometheus::Counter &events, &batches, &duplicates, &parked, &deliveries;
  prometheus::Gauge &lag, &connected, &prefetch;
  prometheus::Histogram &rows, &seconds;
  explicit SinkMeters(const std::string& stream)
      : events(metrics::counter("dalgona_event_grpc_events_total", "Events made durable", {{"stream", stream}})),
        batches(metrics::counter("dalgona_event_grpc_batches_total", "Batches made durable", {{"stream", stream}})),
        duplicates(metrics::counter("dalgona_event_grpc_duplicates_total",
                                    "Events recognised as in the warehouse already", {{"stream", stream}})),
        parked(metrics::counter("dalgona_event_grpc_parked_total", "Events parked", {{"stream", stream}})),
        deliveries(metrics::counter("dalgona_event_grpc_deliveries_total", "Messages received", {{"stream", stream}})),
        lag(metrics::gauge("dalgona_event_grpc_lag_seconds",
                           "From the newest event's own time to when it could be queried, last batch",
                           {{"stream", stream}})),
        connected(
            metrics::gauge("dalgona_event_grpc_connected", "Receivers connected to the broker", {{"stream", stream}})),
        prefetch(metrics::gauge("dalgona_event_grpc_prefetch", "Messages that the broker may have under way to us",
                                {{"stream", stream}})),
        rows(metrics::histogram("dalgona_event_grpc_batch_events", "Events a batch", {{"stream", stream}},
                                {1, 10, 100, 1000, 5000, 10000, 50000, 100000, 500000})),
        seconds(metrics::histogram("dalgona_event_grpc_insert_seconds", "Time to make a batch durable",
                                   {{"stream", stream}})) {}
};

}  // namespace

struct StreamSink::State {
  struct Receiver;

  // A sealed batch's place in the order of its receiver's.
  struct Place {
    uint64_t generation, last_tag;
    bool durable = false;
  };

  struct Batch {
    warehouse::Block block;
    std::vector<ParkedEvent> parked;
    std::vector<size_t> suspects;  // rows of deliveries that may have come before
    uint64_t parked_bytes = 0;
    uint64_t last_tag = 0;
    uint64_t generation = 0;  // of the receiver's connection
    Receiver* receiver = nullptr;
    Place* place = nullptr;  // in the receiver's list, once sealed
    SteadyClock::time_point opened;
    uint64_t counted = 0;  // bytes that the budget knows of
    uint64_t messages = 0, message_bytes = 0;
    bool empty() const { return last_tag == 0; }
    uint64_t bytes() const { return block.bytes() + parked_bytes; }
  };

  // One connection's worth of receiving. Its thread alone touches the connection.
  struct Receiver {
    EventFd wake;
    std::thread thread;
    std::mutex mutex;
    uint64_t ack_generation = 0, ack_up_to = 0;  // under mutex; set by the committers
    std::deque<Place> places;                    // of sealed batches, the oldest first; under mutex
    std::atomic<int> sealed{0};                  // batches of ours with the committers
    uint64_t generation = 0;
    int prefetch = 0;  // 0 while not connected
  };

  const events::Stream& stream;
  Store& store;
  StopFlag& stop;
  MemoryBudget& budget;
  SinkOptions options;
  SinkMeters meters;
  std::vector<std::unique_ptr<Receiver>> receivers;
  std::thread committer;  // the first one; it starts the others and joins them
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::unique_ptr<Batch>> sealed;           // under mutex
  std::vector<warehouse::Block> spares;                // empty, with their memory; under mutex
  std::vector<std::shared_ptr<std::string>> encoders;  // what blocks are encoded into, with its memory; under mutex
  int inserting = 0;                                   // committers past their turn; under mutex
  std::atomic<SteadyClock::rep> rest_until{0};         // by time no batch is sealed before this
  std::mutex turn;   // of committers: who holds it takes the next batch, and looks for what is known
  RecentIds recent;  // under turn

  State(const events::Stream& s, Store& st, StopFlag& sf, MemoryBudget& b, SinkOptions o)
      : stream(s),
        store(st),
        stop(sf),
        budget(b),
        options(std::move(o)),
        meters(s.name),
        recent(std::min<size_t>(4'000'000, s.batch_events * 40)) {}

  // --- receiving ---

  void receive_for_ever(Receiver& r) {
    Parser parser(stream);
    amqp::BodyDecoder decoder;
    for (int attempt = 0;;) {
      bool was_connected = false;
      try {
        receive_connected(r, parser, decoder, was_connected);
        attempt = 0;
      } catch (const Stopping&) {
        return;
      } catch (const std::exception& e) {
        if (was_connected) attempt = 0;
        if (attempt == 0 || attempt % 20 == 0)
          log::warn("msg=\"not connected to RabbitMQ, trying again\" stream={} error={}", stream.name,
                    log::quoted(e.what()));
      }
      if (was_connected) meters.connected.Decrement();
      set_prefetch(r, 0);
      try {
        stop.wait(milliseconds(50) + backoff(attempt++, milliseconds(200), milliseconds(3000)));
      } catch (const Stopping&) {
        return;
      }
    }
  }

  void set_prefetch(Receiver& r, int prefetch) {
    meters.prefetch.Increment(prefetch - r.prefetch);
    r.prefetch = prefetch;
  }

  // Returns when the connection should be made anew.
  void receive_connected(Receiver& r, Parser& parser, amqp::BodyDecoder& decoder, bool& was_connected) {
    amqp::Connection connection(
        {.url = options.rabbitmq_url, .name = "event-grpc " + stream.name, .heartbeat = std::chrono::seconds(20)});
    connection.declare(options.topology);
    connection.wake_on(r.wake.get());
    set_prefetch(r, stream.prefetch);
    connection.consume(stream.queue, uint16_t(r.prefetch));
    was_connected = true;
    meters.connected.Increment();
    {
      const std::scoped_lock lock(r.mutex);
      ++r.generation;
      r.ack_up_to = 0;
    }
    auto batch = open(r, parser);
    AckPacer acks;
    uint64_t received = 0;         // the last tag
    std::optional<uint64_t> last;  // the tag after which this connection ends
    struct Give {                  // what a broken connection leaves open is delivered again
      MemoryBudget& budget;
      std::unique_ptr<Batch>& batch;
      ~Give() {
        if (batch) budget.add(-int64_t(batch->counted));
      }
    } give{budget, batch};
    std::vector<Rejected> rejected;
    for (;;) {
      r.wake.quiet();
      const bool stopping = stop.stopped();
      if (stopping) let_commits_end();
      uint64_t committed = 0;
      {
        const std::scoped_lock lock(r.mutex);
        if (r.ack_generation == r.generation) committed = r.ack_up_to;
      }
      const auto now = SteadyClock::now();
      while (const uint64_t tag = acks.next(now, committed, received, uint64_t(r.prefetch), stopping || last))
        connection.ack(tag, true);
      const bool acks_wait = acks.acknowledged() < committed;
      if (stopping || (last && acks.acknowledged() >= *last)) {
        connection.close();
        if (stopping) throw Stopping();
        return;
      }
      if (last) {
        connection.idle(now + kQuiet);
        continue;
      }
      const bool full = is_full(r, *batch);
      const auto due = due_at(*batch);
      // While one is committed the next one grows; a full one need not wait.
      if (!batch->empty() && (full ? r.sealed < kCommitsAtOnce : now >= due && r.sealed == 0)) {
        if (const int wanted = wanted_prefetch(*batch, r.prefetch); wanted != r.prefetch) {
          connection.consume_again(stream.queue, uint16_t(wanted));
          set_prefetch(r, wanted);
        }
        if (is_outgrown(*batch, r.prefetch)) {
          log::info("msg=\"messages have grown, connecting anew with less under way\" stream={} prefetch={}",
                    stream.name, r.prefetch);
          last = batch->last_tag;
        }
        seal(r, std::move(batch));
        batch = open(r, parser);
        continue;
      }
      if (full || (batch->empty() && budget.tight())) {
        // Not reading is the back-pressure: what the broker sends stays in the socket, and it sends no more than
        // prefetch.
        connection.idle(now + (acks_wait ? SteadyClock::duration(AckPacer::kPause) : kQuiet));
        continue;
      }
      const bool busy = r.sealed > 0;
      const bool quiet = batch->empty() && !busy;
      // The end of a backlog: a batch that is worth an insert need not wait for the company that its time allows.
      const bool worthwhile = batch->block.rows() >= kWorthwhile && !busy;
      auto until = batch->empty() || busy ? now + kQuiet : due;
      if (worthwhile) until = std::min(until, now + kPause);
      if (acks_wait) until = std::min(until, now + AckPacer::kPause);
      auto delivery = connection.receive(until);
      // What is here already is taken without asking the clock, the committer and the system each time.
      for (int i = 0; delivery; ++i) {
        take(*batch, parser, decoder, *delivery, rejected);
        received = delivery->tag;
        if (i == kMessagesAtOnce || is_full(r, *batch) || !connection.has_buffered()) break;
        delivery = connection.receive(now);
      }
      if (delivery) continue;
      if (worthwhile && SteadyClock::now() >= now + kPause) {
        seal(r, std::move(batch));
        batch = open(r, parser);
      } else if (quiet && SteadyClock::now() >= now + kQuiet) {
        give_memory_back(r, parser, batch);
      }
    }
  }

  // Memory that was used before is not asked of the system again, page by page: that took a sixth of the time.
  std::unique_ptr<Batch> open(Receiver& r, const Parser& parser) {
    auto batch = std::make_unique<Batch>();
    {
      const std::scoped_lock lock(mutex);
      if (!spares.empty()) {
        batch->block = std::move(spares.back());
        spares.pop_back();
      }
    }
    if (batch->block.columns.empty()) batch->block = parser.new_block();
    batch->receiver = &r;
    batch->generation = r.generation;
    return batch;
  }

  // Three eighths of what the broker sends without an acknowledgement are a batch at most, so that it sends on while
  // two are committed. What small messages can have under way is bounded by the protocol; larger batches would save
  // inserts and merges, but the broker's time is what they wait for.
  bool is_full(const Receiver& r, const Batch& batch) const {
    return batch.messages * 8 >= uint64_t(r.prefetch) * 3 || is_large(batch) || (budget.tight() && !batch.empty());
  }
  bool is_large(const Batch& batch) const {
    return batch.block.rows() >= stream.batch_events || batch.bytes() >= stream.batch_bytes;
  }

  // A stream that rests keeps no memory of its busy times.
  void give_memory_back(Receiver& r, const Parser& parser, std::unique_ptr<Batch>& batch) {
    {
      const std::scoped_lock lock(mutex);
      spares.clear();
      encoders.clear();
    }
    batch = open(r, parser);
  }

  // A batch can be no larger than what the broker sends without an acknowledgement, and while some are committed the
  // next one is filled. So prefetch, which counts messages, follows from their size: three batches' worth, in events
  // and in bytes. It stays as it is while it is about right, and while the stream is slow, when it does not matter.
  int wanted_prefetch(const Batch& batch, int now) const {
    if (batch.messages < uint64_t(now) / 4 || now > kMostToChange) return now;
    const int fitting = fitting_prefetch(batch);
    return fitting > now * 5 / 4 || fitting < now * 3 / 4 ? fitting : now;
  }
  int fitting_prefetch(const Batch& batch) const {
    const double events = double(std::max<uint64_t>(1, batch.block.rows())) / double(batch.messages);
    // What they are in our blocks, and on their way; they differ when messages are compressed, or are largely passed
    // over.
    const double bytes =
        double(std::max({batch.messages, batch.bytes(), batch.message_bytes})) / double(batch.messages);
    const double a_batch = std::min(double(stream.batch_events) / events, double(stream.batch_bytes) / bytes);
    return int(std::clamp((kCommitsAtOnce + 1) * a_batch, 100.0, kMostMessages));
  }
  // Messages are now so large that the broker would hold many batches' worth for us. With so many under way prefetch
  // is not changed on the connection; what is delivered again through a new one is recognised.
  bool is_outgrown(const Batch& batch, int now) const {
    return now > kMostToChange && is_large(batch) && fitting_prefetch(batch) < now / 4;
  }

  SteadyClock::time_point due_at(const Batch& batch) const {
    const SteadyClock::time_point rested{SteadyClock::duration{rest_until.load()}};
    return std::min(std::max(batch.opened + options.linger, rested), batch.opened + stream.batch_time);
  }

  void take(Batch& batch, Parser& parser, amqp::BodyDecoder& decoder, amqp::Connection::Delivery& d,
            std::vector<Rejected>& rejected) {
    meters.deliveries.Increment();
    if (batch.empty()) batch.opened = SteadyClock::now();
    batch.last_tag = d.tag;
    ++batch.messages;
    batch.message_bytes += d.body.size();
    const size_t before = batch.block.rows();
    rejected.clear();
    const auto first_key = text_header(d.properties, kFirstRoutingKeyHeader);
    const std::string& routing_key = first_key ? *first_key : d.routing_key;
    try {
      decoder.decode(d);
      parser.parse({d.body, d.properties.content_type, d.properties.message_id, routing_key}, batch.block, rejected);
    } catch (const InvalidInput& e) {
      rejected.push_back({"", e.what(), std::string(d.body)});
    }
    const int64_t parked_before = number_header(d.properties, kParkedCountHeader);
    if (d.redelivered || parked_before > 0 || number_header(d.properties, amqp::kResentHeader) > 0)
      for (size_t row = before; row < batch.block.rows(); ++row) batch.suspects.push_back(row);
    for (auto& why : rejected) {
      ParkedEvent event;
      event.id = uuid_of_bytes(stream.name + "\n" + why.body);
      event.count = uint32_t(parked_before + 1);
      event.exchange = text_header(d.properties, kFirstExchangeHeader).value_or(d.exchange);
      event.routing_key = routing_key;
      event.headers = headers_json(d.properties);
      batch.parked_bytes += why.body.size() + event.headers.size() + 256;
      event.why = std::move(why);
      batch.parked.push_back(std::move(event));
    }
    // Counted in steps: the budget is shared by all threads.
    if (const auto bytes = batch.bytes(); bytes > batch.counted + (1 << 18)) {
      budget.add(int64_t(bytes - batch.counted));
      batch.counted = bytes;
    }
  }

  void seal(Receiver& r, std::unique_ptr<Batch> batch) {
    ++r.sealed;
    {
      const std::scoped_lock lock(r.mutex);
      batch->place = &r.places.emplace_back(Place{batch->generation, batch->last_tag});
    }
    {
      const std::scoped_lock lock(mutex);
      sealed.push_back(std::move(batch));
    }
    changed.notify_one();
  }

  // --- committing ---

  void commit_for_ever() {
    std::vector<std::thread> others;
    try {
      // What is received meanwhile waits for the first commit, as it does when the warehouse is away.
      for (auto& r : receivers) r->thread = std::thread([this, &r] { receive_for_ever(*r); });
      store.prepare(stream);
      store.recent_ids(stream, recent.capacity() / 5, [this](std::span<const Uuid> ids) {
        recent.add_all(
            ids.size(), [&](size_t i) { return ids[i]; }, [](size_t) {});
      });
      for (int i = 1; i < kCommitsAtOnce; ++i) others.emplace_back([this] { commit_batches(); });
      commit_batches();
    } catch (const Stopping&) {
    }
    for (auto& other : others) other.join();
    for (auto& r : receivers) {
      r->wake.ring();
      if (r->thread.joinable()) r->thread.join();
    }
  }

  void commit_batches() {
    try {
      while (commit_next()) {
      }
    } catch (const Stopping&) {
    }
  }

  // False when the process stops.
  bool commit_next() {
    std::unique_lock my_turn(turn);
    std::unique_ptr<Batch> batch;
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [this] { return stop.stopped() || !sealed.empty(); });
      if (stop.stopped()) return false;
      batch = std::move(sealed.front());
      sealed.pop_front();
    }
    const auto began = SteadyClock::now();
    drop_known(*batch);
    std::shared_ptr<std::string> encoded;
    {
      const std::scoped_lock lock(mutex);
      ++inserting;
      if (!encoders.empty()) {
        encoded = std::move(encoders.back());
        encoders.pop_back();
      }
    }
    struct Done {  // also when the process stops: another one may wait for it with its turn
      State& state;
      ~Done() {
        const std::scoped_lock lock(state.mutex);
        --state.inserting;
        state.changed.notify_all();
      }
    } done{*this};
    my_turn.unlock();
    commit(*batch, encoded, began);
    const std::scoped_lock lock(mutex);
    if (encoders.size() < kCommitsAtOnce && encoded) encoders.push_back(std::move(encoded));
    return true;
  }

  void commit(Batch& batch, std::shared_ptr<std::string>& encoded, SteadyClock::time_point began) {
    store.park(stream, batch.parked);
    if (options.on_parked && !batch.parked.empty()) options.on_parked(stream, batch.parked);
    meters.parked.Increment(double(batch.parked.size()));
    const size_t rows = batch.block.rows();
    if (rows > 0) {
      store.insert(stream, batch.block, make_uuid7(system_clock().now()).text(), encoded);
      meters.events.Increment(double(rows));
      meters.rows.Observe(double(rows));
      note_lag(batch.block);
    }
    meters.batches.Increment();
    const auto took = SteadyClock::now() - began;
    meters.seconds.Observe(std::chrono::duration<double>(took).count());
    rest_until = (SteadyClock::now() + 4 * took).time_since_epoch().count();
    auto& r = *batch.receiver;
    {
      // An acknowledgement is one for all before it, so a batch that is durable early waits for the older ones.
      const std::scoped_lock lock(r.mutex);
      batch.place->durable = true;
      for (; !r.places.empty() && r.places.front().durable; r.places.pop_front()) {
        r.ack_generation = r.places.front().generation;
        r.ack_up_to = r.places.front().last_tag;
      }
    }
    budget.add(-int64_t(batch.counted));
    batch.block.clear();
    {
      const std::scoped_lock lock(mutex);
      if (spares.size() < kCommitsAtOnce * receivers.size()) spares.push_back(std::move(batch.block));
    }
    --r.sealed;
    r.wake.ring();
  }

  // At a stop: what is being inserted can still be acknowledged, or it would be delivered again and looked for at the
  // next start. What is not inserted yet stays with the broker.
  void let_commits_end() {
    std::unique_lock lock(mutex);
    changed.wait_for(lock, kLastCommits, [this] { return inserting == 0; });
  }

  // Until all that was looked through before is durable. Batches that come later wait meanwhile: this is called with
  // the turn.
  void wait_for_commits() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return stop.stopped() || inserting == 0; });
    if (stop.stopped()) throw Stopping();
  }

  // Batches are looked through one after another, so an event is remembered before a second copy of it can be looked
  // for; and a copy is looked for when all batches before are durable, so it is there or stands earlier in the same
  // batch.
  void drop_known(Batch& batch) {
    const size_t rows = batch.block.rows();
    if (rows == 0) return;
    const auto& ids = batch.block.columns[stream.index_of(stream.id)];
    std::vector<size_t> ask;
    recent.add_all(
        rows, [&](size_t row) { return ids.uuid(row); }, [&](size_t row) { ask.push_back(row); });
    if (!batch.suspects.empty()) {
      const auto seen = std::exchange(ask, {});
      std::set_union(seen.begin(), seen.end(), batch.suspects.begin(), batch.suspects.end(), std::back_inserter(ask));
    }
    if (ask.empty()) return;
    wait_for_commits();
    std::vector<bool> keep(rows, true);
    const auto known = store.present(stream, batch.block, ask);
    store.repair_rollups(stream, batch.block, known);
    for (const size_t row : known) keep[row] = false;
    std::set<Uuid> asked, seen;
    for (const size_t row : ask) asked.insert(ids.uuid(row));
    for (size_t row = 0; row < rows; ++row) {
      const auto id = ids.uuid(row);
      if (keep[row] && asked.contains(id) && !seen.insert(id).second) keep[row] = false;
    }
    const auto dropped = size_t(std::count(keep.begin(), keep.end(), false));
    if (dropped == 0) return;
    meters.duplicates.Increment(double(dropped));
    batch.block = batch.block.filtered(keep);
  }

  void note_lag(const warehouse::Block& block) {
    for (const auto& f : stream.fields) {
      if (f.type != events::FieldType::kTime || f.nullable) continue;
      const auto& times = block.columns[stream.index_of(f.name)];
      int64_t newest = 0;
      for (size_t row = 0; row < block.rows(); ++row) newest = std::max(newest, times.integer(row));
      meters.lag.Set(double(system_clock().now().time_since_epoch().count() - newest) / 1e6);
      return;
    }
  }
};

StreamSink::StreamSink(const events::Stream& stream, Store& store, StopFlag& stop, MemoryBudget& budget,
                       SinkOptions options)
    : state_(std::make_unique<State>(stream, store, stop, budget, std::move(options))) {}

StreamSink::~StreamSink() {
  {
    const std::scoped_lock lock(state_->mutex);  // a committer that is about to wait must not miss it
  }
  state_->changed.notify_all();
  if (state_->committer.joinable()) state_->committer.join();
}

void StreamSink::start() {
  for (int i = 0; i < state_->stream.consumers; ++i) state_->receivers.push_back(std::make_unique<State::Receiver>());
  state_->committer = std::thread([this] { state_->commit_for_ever(); });
}

}  // namespace dalgona::event_grpc
