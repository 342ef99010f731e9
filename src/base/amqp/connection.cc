#include <cerrno>
#include <charconv>
#include <cstring>

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/amqp/amqp.h"
#include "base/amqp/confirm_window.h"
#include "base/amqp/wire.h"
#include "base/errors.h"
#include "base/log.h"

namespace dalgona::amqp {

namespace {

using SteadyTime = std::chrono::steady_clock::time_point;
constexpr amqp_channel_t kChannel = 1;
// The library copies a body into memory that the header frame names; a broker that names more than this is not ours.
constexpr uint64_t kMaxBody = 256ull << 20;
// Deliveries that a consumer of ours may have. A quorum queue prepares a new consumer's whole prefetch in one step, a
// second for 64,000 messages, in which it sends nothing (docs/traps.md); eight consumers get theirs while the ones
// before are read.
constexpr int kMostAtOnce = 8000;

timeval to_timeval(std::chrono::milliseconds time) {
  return {time.count() / 1000, (time.count() % 1000) * 1000};
}

[[noreturn]] void fail_reply(std::string_view doing, int code, std::string_view text) {
  const std::string what = fmt::format("RabbitMQ, {}: {} {}", doing, code, text);
  // 404 with this text is a quorum queue whose leader is being elected, or a node that is still starting.
  const bool coming_back = text.find("down or inaccessible") != text.npos || text.find("timeout") != text.npos;
  const bool refused = code == AMQP_ACCESS_REFUSED || code == AMQP_NOT_FOUND || code == AMQP_PRECONDITION_FAILED ||
                       code == AMQP_NOT_ALLOWED || code == AMQP_CONTENT_TOO_LARGE || code == AMQP_INVALID_PATH ||
                       code == AMQP_NOT_IMPLEMENTED || code == AMQP_COMMAND_INVALID || code == AMQP_RESOURCE_LOCKED;
  if (refused && !coming_back) throw Permanent(what);
  throw Retryable(what);
}

void check_status(int status, std::string_view doing) {
  if (status == AMQP_STATUS_OK) return;
  const std::string what = fmt::format("RabbitMQ, {}: {}", doing, amqp_error_string2(status));
  if (status == AMQP_STATUS_SSL_PEER_VERIFY_FAILED || status == AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED ||
      status == AMQP_STATUS_TABLE_TOO_BIG)
    throw Permanent(what);
  throw Retryable(what);
}

void fail_close(std::string_view doing, const amqp_method_t& method) {
  if (method.id == AMQP_CONNECTION_CLOSE_METHOD) {
    const auto* close = static_cast<const amqp_connection_close_t*>(method.decoded);
    fail_reply(doing, close->reply_code, view(close->reply_text));
  }
  if (method.id == AMQP_CHANNEL_CLOSE_METHOD) {
    const auto* close = static_cast<const amqp_channel_close_t*>(method.decoded);
    fail_reply(doing, close->reply_code, view(close->reply_text));
  }
}

// A message in pieces: method, header, body frames.
struct Partial {
  enum class Kind { kDelivery, kReturn } kind;
  Connection::Delivery delivery;
  std::string reason;        // of a return
  uint64_t returned_as = 0;  // the sequence number we had put into correlation_id
  std::shared_ptr<char[]> body;
  uint64_t size = 0, received = 0;
  bool has_header = false;
};

}  // namespace

struct Connection::State {
  Options options;
  amqp_connection_state_t connection = nullptr;
  int wake = -1;
  // What consume() was asked for, and what the broker knows of it so far. It is reached by several consumers, each with
  // the prefetch that the channel gives to all.
  struct Consuming {
    std::string queue;
    int prefetch = 0, step = 0;  // of all; of one
    std::vector<std::string> tags;
    uint64_t delivered = 0;
    bool wants_more() const {
      const uint64_t given = tags.size() * uint64_t(step);
      return given < uint64_t(prefetch) && delivered + uint64_t(step) * 3 / 4 >= given;
    }
  };
  Consuming consuming;
  bool is_blocked = false;

  std::optional<Partial> partial;
  std::deque<Delivery> deliveries;

  ConfirmWindow window;
  std::map<uint64_t, std::string> returned;
  std::vector<std::pair<uint64_t, std::string>> failed;
  bool news = false;  // something was settled since wait_confirms() last told

  explicit State(const Options& o) : options(o) {
    try {
      open();
    } catch (...) {
      destroy();
      throw;
    }
  }
  ~State() { destroy(); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void destroy() {
    if (connection) amqp_destroy_connection(connection);
    connection = nullptr;
  }

  void open() {
    std::string url = options.url;  // parsed in place
    amqp_connection_info info;
    if (amqp_parse_url(url.data(), &info) != AMQP_STATUS_OK)
      throw InvalidInput("rabbitmq.url: not an AMQP URL: " + log::without_password(options.url));
    // By the letter of the URI scheme "host/" names the vhost "", which no broker has; people mean "/".
    const char* vhost = *info.vhost ? info.vhost : "/";
    connection = amqp_new_connection();
    if (!connection) throw Retryable("RabbitMQ: no memory for a connection");
    amqp_socket_t* socket = info.ssl ? amqp_ssl_socket_new(connection) : amqp_tcp_socket_new(connection);
    if (!socket) throw Retryable("RabbitMQ: no memory for a socket");
    if (info.ssl) {
      amqp_ssl_socket_set_verify_peer(socket, 1);
      amqp_ssl_socket_set_verify_hostname(socket, 1);
      amqp_ssl_socket_set_cacert(socket, "/etc/ssl/certs/ca-certificates.crt");
    }
    timeval limit = to_timeval(options.timeout);
    amqp_set_handshake_timeout(connection, &limit);
    amqp_set_rpc_timeout(connection, &limit);
    const std::string where = fmt::format("{}:{}", info.host, info.port);
    check_status(amqp_socket_open_noblock(socket, info.host, info.port, &limit), "connecting to " + where);
    // Sent bytes that the peer never acknowledges end the connection, so that no write waits for ever.
    const auto user_timeout = unsigned(options.timeout.count());
    ::setsockopt(amqp_get_sockfd(connection), IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout, sizeof user_timeout);

    Table properties{{"connection_name", options.name}};
    TableView outer(properties);
    std::vector<amqp_table_entry_t> entries(outer.get().entries, outer.get().entries + outer.get().num_entries);
    amqp_table_entry_t blocked{bytes("connection.blocked"), {AMQP_FIELD_KIND_BOOLEAN, {}}};
    blocked.value.value.boolean = 1;
    amqp_table_entry_t capabilities{bytes("capabilities"), {AMQP_FIELD_KIND_TABLE, {}}};
    capabilities.value.value.table = {1, &blocked};
    entries.push_back(capabilities);
    const amqp_table_t table{int(entries.size()), entries.data()};
    check_reply(
        amqp_login_with_properties(connection, vhost, 16, AMQP_DEFAULT_FRAME_SIZE, int(options.heartbeat.count()),
                                   &table, AMQP_SASL_METHOD_PLAIN, info.user, info.password),
        "logging in to " + where);
    amqp_channel_open(connection, kChannel);
    check_rpc("opening a channel");
  }

  void check_reply(const amqp_rpc_reply_t& reply, std::string_view doing) {
    switch (reply.reply_type) {
      case AMQP_RESPONSE_NORMAL:
        return;
      case AMQP_RESPONSE_LIBRARY_EXCEPTION:
        check_status(reply.library_error, doing);
        break;
      case AMQP_RESPONSE_SERVER_EXCEPTION:
        fail_close(doing, reply.reply);
        break;
      default:
        break;
    }
    throw Retryable(fmt::format("RabbitMQ, {}: no reply", doing));
  }
  void check_rpc(std::string_view doing) {
    check_reply(amqp_get_rpc_reply(connection), doing);
    amqp_maybe_release_buffers(connection);
  }

  // Reads one frame, waiting until the deadline at most; false when none came or the wake descriptor is readable.
  bool read_frame(SteadyTime deadline, bool waiting) {
    for (;;) {
      amqp_frame_t frame;
      const timeval none{0, 0};
      const int status = amqp_simple_wait_frame_noblock(connection, &frame, &none);
      if (status == AMQP_STATUS_OK) {
        handle(frame);
        return true;
      }
      if (status != AMQP_STATUS_TIMEOUT) check_status(status, "reading");
      const auto now = std::chrono::steady_clock::now();
      if (!waiting || now >= deadline) return false;
      // Heartbeats are sent and watched inside the library's calls, so it is called at least this often.
      const auto step = std::min<std::chrono::nanoseconds>(deadline - now, options.heartbeat / 3);
      std::array<pollfd, 2> fds{pollfd{amqp_get_sockfd(connection), POLLIN, 0}, pollfd{wake, POLLIN, 0}};
      const timespec limit{step.count() / 1'000'000'000, step.count() % 1'000'000'000};
      if (::ppoll(fds.data(), wake >= 0 ? 2 : 1, &limit, nullptr) < 0 && errno != EINTR)
        throw Retryable(fmt::format("RabbitMQ, waiting: {}", std::strerror(errno)));
      if (wake >= 0 && (fds[1].revents & POLLIN) && !(fds[0].revents & POLLIN)) return false;
    }
  }

  void handle(const amqp_frame_t& frame) {
    switch (frame.frame_type) {
      case AMQP_FRAME_METHOD:
        handle_method(frame.payload.method);
        break;
      case AMQP_FRAME_HEADER: {
        if (!partial) break;
        const auto& p = *static_cast<const amqp_basic_properties_t*>(frame.payload.properties.decoded);
        partial->delivery.properties = to_properties(p);
        if (partial->kind == Partial::Kind::kReturn && (p._flags & AMQP_BASIC_CORRELATION_ID_FLAG)) {
          const auto text = view(p.correlation_id);
          std::from_chars(text.data(), text.data() + text.size(), partial->returned_as);
        }
        partial->size = frame.payload.properties.body_size;
        if (partial->size > kMaxBody)
          throw Permanent(fmt::format("RabbitMQ, reading: a message of {} bytes", partial->size));
        partial->body = std::make_shared_for_overwrite<char[]>(partial->size + kPadding);
        std::memset(partial->body.get() + partial->size, 0, kPadding);
        partial->has_header = true;
        break;
      }
      case AMQP_FRAME_BODY: {
        if (!partial || !partial->has_header) break;
        const auto piece = view(frame.payload.body_fragment);
        if (partial->received + piece.size() > partial->size)
          throw Retryable("RabbitMQ, reading: more body than the header said");
        std::memcpy(partial->body.get() + partial->received, piece.data(), piece.size());
        partial->received += piece.size();
        break;
      }
      default:
        break;
    }
    if (partial && partial->has_header && partial->received == partial->size) finish();
    amqp_maybe_release_buffers(connection);
  }

  void finish() {
    Partial done = std::move(*partial);
    partial.reset();
    if (done.kind == Partial::Kind::kReturn) {
      returned[done.returned_as] = std::move(done.reason);
      return;
    }
    done.delivery.body = {done.body.get(), done.size};
    done.delivery.storage = std::move(done.body);
    deliveries.push_back(std::move(done.delivery));
    ++consuming.delivered;
    if (consuming.wants_more()) consume_more();
  }

  // Without asking for an answer: one would be looked for among deliveries (docs/traps.md).
  void consume_more() {
    std::string tag = fmt::format("more-{}", consuming.tags.size());
    amqp_basic_consume_t ask{};
    ask.queue = bytes(consuming.queue);
    ask.consumer_tag = bytes(tag);
    ask.nowait = 1;
    check_status(amqp_send_method(connection, kChannel, AMQP_BASIC_CONSUME_METHOD, &ask), "consuming");
    consuming.tags.push_back(std::move(tag));
  }

  void handle_method(const amqp_method_t& method) {
    switch (method.id) {
      case AMQP_BASIC_DELIVER_METHOD: {
        const auto& m = *static_cast<const amqp_basic_deliver_t*>(method.decoded);
        partial.emplace();
        partial->kind = Partial::Kind::kDelivery;
        begin(m.delivery_tag, m.redelivered, m.exchange, m.routing_key);
        break;
      }
      case AMQP_BASIC_RETURN_METHOD: {
        const auto& m = *static_cast<const amqp_basic_return_t*>(method.decoded);
        partial.emplace();
        partial->kind = Partial::Kind::kReturn;
        begin(0, false, m.exchange, m.routing_key);
        partial->reason = fmt::format("returned by RabbitMQ as unroutable: exchange {}, routing key {}: {} {}",
                                      view(m.exchange), view(m.routing_key), m.reply_code, view(m.reply_text));
        break;
      }
      case AMQP_BASIC_ACK_METHOD: {
        const auto& m = *static_cast<const amqp_basic_ack_t*>(method.decoded);
        settle(m.delivery_tag, m.multiple, {});
        break;
      }
      case AMQP_BASIC_NACK_METHOD: {
        const auto& m = *static_cast<const amqp_basic_nack_t*>(method.decoded);
        settle(m.delivery_tag, m.multiple, "refused by RabbitMQ (nack)");
        break;
      }
      case AMQP_CONNECTION_BLOCKED_METHOD:
        is_blocked = true;
        break;
      case AMQP_CONNECTION_UNBLOCKED_METHOD:
        is_blocked = false;
        break;
      case AMQP_BASIC_CANCEL_METHOD:
        throw Retryable("RabbitMQ, consuming: the broker cancelled the consumer");
      default:
        fail_close("broker closed", method);
    }
  }

  void begin(uint64_t tag, bool redelivered, amqp_bytes_t exchange, amqp_bytes_t routing_key) {
    partial->delivery.tag = tag;
    partial->delivery.redelivered = redelivered;
    partial->delivery.exchange.assign(view(exchange));
    partial->delivery.routing_key.assign(view(routing_key));
  }

  void settle(uint64_t tag, bool multiple, const std::string& refused) {
    window.settle(tag, multiple, [&](uint64_t n) {
      const auto back = returned.find(n);
      if (back != returned.end()) {
        failed.emplace_back(n, std::move(back->second));
        returned.erase(back);
      } else if (!refused.empty()) {
        failed.emplace_back(n, refused);
      }
      news = true;
    });
  }
};

Connection::Connection(const Options& options) : state_(std::make_unique<State>(options)) {}

// A socket that is closed with bytes in it that nobody has read is reset, and what we have sent and the broker has not
// read is gone with it; and a channel whose connection breaks ends without the last of its orders.
bool Connection::close(std::chrono::milliseconds limit) noexcept {
  if (!state_ || !state_->connection) return false;
  auto* connection = state_->connection;
  const auto deadline = std::chrono::steady_clock::now() + limit;
  amqp_connection_close_t order{};
  order.reply_code = AMQP_REPLY_SUCCESS;
  order.reply_text = bytes("done");
  bool closed = false;
  int status = amqp_send_method(connection, 0, AMQP_CONNECTION_CLOSE_METHOD, &order);
  while (status == AMQP_STATUS_OK && !closed) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= left.zero()) break;
    const timeval step = to_timeval(std::chrono::ceil<std::chrono::milliseconds>(left));
    amqp_frame_t frame;
    status = amqp_simple_wait_frame_noblock(connection, &frame, &step);
    if (status != AMQP_STATUS_OK) break;
    closed = frame.frame_type == AMQP_FRAME_METHOD && frame.payload.method.id == AMQP_CONNECTION_CLOSE_OK_METHOD;
    amqp_maybe_release_buffers(connection);
  }
  state_->destroy();
  return closed;
}

Connection::~Connection() = default;
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;

void Connection::declare(const Topology& topology) {
  for (const auto& e : topology.exchanges) {
    amqp_exchange_declare(state_->connection, kChannel, bytes(e.name), bytes(e.kind), 0, 1, 0, 0, amqp_empty_table);
    state_->check_rpc("declaring exchange " + e.name);
  }
  for (const auto& q : topology.queues) {
    TableView arguments(q.arguments);
    amqp_queue_declare(state_->connection, kChannel, bytes(q.name), 0, 1, 0, 0, arguments.get());
    state_->check_rpc("declaring queue " + q.name);
  }
  for (const auto& b : topology.bindings) {
    amqp_queue_bind(state_->connection, kChannel, bytes(b.queue), bytes(b.exchange), bytes(b.routing_key),
                    amqp_empty_table);
    state_->check_rpc("binding queue " + b.queue + " to " + b.exchange);
  }
}

Connection::QueueCounts Connection::counts(const std::string& queue) {
  const auto* ok = amqp_queue_declare(state_->connection, kChannel, bytes(queue), 1, 1, 0, 0, amqp_empty_table);
  const QueueCounts counts = ok ? QueueCounts{ok->message_count, ok->consumer_count} : QueueCounts{};
  state_->check_rpc("counting queue " + queue);
  return counts;
}

void Connection::purge(const std::string& queue) {
  amqp_queue_purge(state_->connection, kChannel, bytes(queue));
  state_->check_rpc("purging queue " + queue);
}

void Connection::remove_queue(const std::string& queue) {
  amqp_queue_delete(state_->connection, kChannel, bytes(queue), 0, 0);
  state_->check_rpc("removing queue " + queue);
}

void Connection::consume(const std::string& queue, uint16_t prefetch) {
  State::Consuming consuming;
  consuming.queue = queue;
  consuming.prefetch = prefetch;
  const int consumers = std::max(1, (prefetch + kMostAtOnce - 1) / kMostAtOnce);
  consuming.step = (prefetch + consumers - 1) / consumers;
  amqp_basic_qos(state_->connection, kChannel, 0, uint16_t(consuming.step), 0);
  state_->check_rpc("setting prefetch");
  const auto* ok =
      amqp_basic_consume(state_->connection, kChannel, bytes(queue), amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
  consuming.tags.emplace_back(ok ? view(ok->consumer_tag) : std::string_view());
  state_->check_rpc("consuming queue " + queue);
  state_->consuming = std::move(consuming);
}

void Connection::consume_again(const std::string& queue, uint16_t prefetch) {
  for (const auto& tag : state_->consuming.tags) {
    amqp_basic_cancel(state_->connection, kChannel, bytes(tag));
    state_->check_rpc("cancelling a consumer");
  }
  state_->consuming = {};
  consume(queue, prefetch);
}

std::optional<Connection::Delivery> Connection::receive(SteadyTime deadline) {
  while (state_->deliveries.empty())
    if (!state_->read_frame(deadline, true)) return std::nullopt;
  auto delivery = std::move(state_->deliveries.front());
  state_->deliveries.pop_front();
  return delivery;
}

bool Connection::has_buffered() const {
  while (state_->deliveries.empty())
    if (!state_->read_frame({}, false)) return false;
  return true;
}

void Connection::idle(SteadyTime deadline) {
  pollfd fd{state_->wake, POLLIN, 0};
  const auto time = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  if (::poll(&fd, state_->wake >= 0 ? 1 : 0, int(std::max<int64_t>(0, time.count()))) > 0) return;
  // One frame: the library sends and checks heartbeats when it is asked for frames.
  state_->read_frame({}, false);
}

void Connection::wake_on(int descriptor) {
  state_->wake = descriptor;
}

void Connection::ack(uint64_t tag, bool multiple) {
  check_status(amqp_basic_ack(state_->connection, kChannel, tag, multiple), "acknowledging");
}

void Connection::nack(uint64_t tag, bool multiple, bool requeue) {
  check_status(amqp_basic_nack(state_->connection, kChannel, tag, multiple, requeue), "refusing a delivery");
}

std::optional<Connection::Delivery> Connection::get(const std::string& queue) {
  const auto reply = amqp_basic_get(state_->connection, kChannel, bytes(queue), 0);
  state_->check_reply(reply, "getting from " + queue);
  if (reply.reply.id == AMQP_BASIC_GET_EMPTY_METHOD) {
    amqp_maybe_release_buffers(state_->connection);
    return std::nullopt;
  }
  const auto& ok = *static_cast<const amqp_basic_get_ok_t*>(reply.reply.decoded);
  state_->partial.emplace();
  state_->partial->kind = Partial::Kind::kDelivery;
  state_->begin(ok.delivery_tag, ok.redelivered, ok.exchange, ok.routing_key);
  return receive(std::chrono::steady_clock::now() + state_->options.timeout);
}

void Connection::enable_confirms() {
  amqp_confirm_select(state_->connection, kChannel);
  state_->check_rpc("asking for confirms");
}

uint64_t Connection::publish(const Message& message) {
  // A peer that does not read for so long is treated as gone rather than waited for inside the library.
  pollfd writable{amqp_get_sockfd(state_->connection), POLLOUT, 0};
  if (::poll(&writable, 1, int(state_->options.timeout.count())) == 0)
    throw Retryable("RabbitMQ, publishing: the broker takes no more bytes");
  const uint64_t sequence = state_->window.open();
  const std::string correlation = std::to_string(sequence);
  TableView headers(message.properties.headers);
  amqp_basic_properties_t p{};
  const auto put = [&](amqp_flags_t flag, const std::string& value, amqp_bytes_t& to) {
    if (value.empty()) return;
    p._flags |= flag;
    to = bytes(value);
  };
  put(AMQP_BASIC_MESSAGE_ID_FLAG, message.properties.message_id, p.message_id);
  put(AMQP_BASIC_TYPE_FLAG, message.properties.type, p.type);
  put(AMQP_BASIC_CONTENT_TYPE_FLAG, message.properties.content_type, p.content_type);
  put(AMQP_BASIC_CONTENT_ENCODING_FLAG, message.properties.content_encoding, p.content_encoding);
  put(AMQP_BASIC_APP_ID_FLAG, message.properties.app_id, p.app_id);
  // A returned message says by this which one it was.
  put(AMQP_BASIC_CORRELATION_ID_FLAG, correlation, p.correlation_id);
  if (message.properties.timestamp != 0) {
    p._flags |= AMQP_BASIC_TIMESTAMP_FLAG;
    p.timestamp = uint64_t(message.properties.timestamp);
  }
  if (!message.properties.headers.empty()) {
    p._flags |= AMQP_BASIC_HEADERS_FLAG;
    p.headers = headers.get();
  }
  p._flags |= AMQP_BASIC_DELIVERY_MODE_FLAG;
  p.delivery_mode = AMQP_DELIVERY_PERSISTENT;
  check_status(amqp_basic_publish(state_->connection, kChannel, bytes(message.exchange), bytes(message.routing_key), 1,
                                  0, &p, bytes(message.body)),
               "publishing");
  return sequence;
}

Connection::Confirms Connection::wait_confirms(SteadyTime deadline) {
  if (state_->read_frame(deadline, !state_->news))
    while (state_->read_frame({}, false)) {
    }
  state_->news = false;
  return {state_->window.up_to(), std::exchange(state_->failed, {})};
}

uint64_t Connection::unconfirmed() const {
  return state_->window.open_count();
}

bool Connection::blocked() const {
  return state_->is_blocked;
}

}  // namespace dalgona::amqp
