#include "base/http/client.h"

#include <atomic>
#include <future>
#include <mutex>
#include <thread>
#include <unordered_map>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_executor.hpp>

#include "base/errors.h"
#include "base/http/transfer.h"

namespace dalgona::http {
namespace {

constexpr size_t kUploadChunk = 256 * 1024;  // one call of read_body
constexpr size_t kUploadAhead = 4;           // chunks read ahead of the network
constexpr size_t kUploadThreads = 4;         // read_body may block, and one that does must not stop all
constexpr size_t kIdleHandles = 512;         // easy handles kept for reuse
constexpr long kConnectionCache = 1024;      // idle connections kept over all hosts

void check_field(std::string_view name, std::string_view value) {
  const auto bad = [](std::string_view text) { return text.find_first_of(std::string_view("\r\n\0", 3)) != text.npos; };
  if (name.empty() || bad(name) || name.find(':') != name.npos || bad(value))
    throw InvalidInput("header '" + std::string(name) + "' is malformed");
}

}  // namespace

struct Client::State : std::enable_shared_from_this<Client::State> {
  explicit State(ClientOptions o);
  ~State() = default;

  void submit(const TransferPtr& transfer);
  void cancel(const TransferPtr& transfer) { command({Command::kCancel, transfer}); }
  void resume(const TransferPtr& transfer) { command({Command::kResume, transfer}); }
  // Resumes when `transfer` is done or has pieces; a cancelled waiter cancels the transfer and goes on waiting for its
  // end, so that no callback runs after send() is left.
  Task<void> wait(TransferPtr transfer);
  void close();

 private:
  struct Command {
    enum Kind { kStart, kCancel, kResume } kind;
    TransferPtr transfer;
  };
  bool command(Command c);
  void run();
  void begin(const TransferPtr& transfer);
  void prepare(const TransferPtr& transfer);
  void end(CURL* easy, CURLcode code);
  void finish(const TransferPtr& transfer, std::exception_ptr failure);
  void settle(const TransferPtr& transfer);
  void read_ahead(const TransferPtr& transfer);

  ClientOptions options_;
  CURLM* multi_ = nullptr;
  std::mutex mutex_;
  std::vector<Command> commands_;
  bool closing_ = false;
  std::atomic<size_t> unfinished_{0};
  std::unordered_map<CURL*, TransferPtr> running_;  // of the client's thread
  std::vector<Easy> idle_;                          // of the client's thread
  std::once_flag upload_once_;
  std::unique_ptr<asio::thread_pool> upload_pool_;
  std::thread thread_;
};

Client::State::State(ClientOptions o) : options_(std::move(o)) {
  static std::once_flag once;
  std::call_once(once, [] {
    if (curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK) throw Permanent("libcurl does not initialise");
  });
  multi_ = curl_multi_init();
  if (!multi_) throw std::bad_alloc();
  curl_multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS, long(options_.max_connections_per_host));
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kConnectionCache);
  thread_ = std::thread([this] { run(); });
}

void Client::State::close() {
  {
    const std::scoped_lock lock(mutex_);
    closing_ = true;
  }
  curl_multi_wakeup(multi_);
  thread_.join();
  if (upload_pool_) upload_pool_->join();
  idle_.clear();
  curl_multi_cleanup(multi_);
}

bool Client::State::command(Command c) {
  const std::scoped_lock lock(mutex_);
  if (closing_) return false;
  commands_.push_back(std::move(c));
  if (commands_.size() == 1) curl_multi_wakeup(multi_);
  return true;
}

void Client::State::submit(const TransferPtr& transfer) {
  Transfer& t = *transfer;
  t.target = parse_target(t.request.url, t.request.aws.has_value());
  for (const auto& [name, value] : t.request.headers) check_field(name, value);
  if (unfinished_.fetch_add(1) >= options_.max_queued) {
    unfinished_.fetch_sub(1);
    throw Retryable("the HTTP client has " + std::to_string(options_.max_queued) + " requests pending, its limit");
  }
  if (!command({Command::kStart, transfer})) {
    unfinished_.fetch_sub(1);
    throw Cancelled();
  }
}

void Client::State::run() {
  std::vector<Command> commands;
  while (true) {
    bool closing = false;
    {
      const std::scoped_lock lock(mutex_);
      commands.swap(commands_);
      closing = closing_;
    }
    for (const auto& [kind, transfer] : commands) {
      CURL* easy = transfer->easy.get();
      if (kind == Command::kStart) {
        begin(transfer);
      } else if (!easy || !running_.contains(easy)) {
        continue;  // it ended meanwhile
      } else if (kind == Command::kCancel) {
        finish(transfer, std::make_exception_ptr(Cancelled()));
      } else {
        // Unpausing may call on_body and on_upload at once, and they may pause again.
        curl_easy_pause(easy, CURLPAUSE_CONT);
      }
    }
    commands.clear();
    if (closing) break;
    int still_running = 0;
    curl_multi_perform(multi_, &still_running);
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left))
      if (message->msg == CURLMSG_DONE) end(message->easy_handle, message->data.result);
    // A wake-up that comes between the swap above and this call is not lost: it makes the poll return at once.
    curl_multi_poll(multi_, nullptr, 0, 60'000, nullptr);
  }
  while (!running_.empty()) finish(TransferPtr(running_.begin()->second), std::make_exception_ptr(Cancelled()));
  // Commands cannot come any more, but some may have come after the last swap.
  const std::scoped_lock lock(mutex_);
  for (const auto& [kind, transfer] : commands_)
    if (kind == Command::kStart) finish(transfer, std::make_exception_ptr(Cancelled()));
  commands_.clear();
}

void Client::State::begin(const TransferPtr& transfer) {
  try {
    prepare(transfer);
  } catch (...) {
    finish(transfer, std::current_exception());
    return;
  }
  running_.emplace(transfer->easy.get(), transfer);
  if (curl_multi_add_handle(multi_, transfer->easy.get()) != CURLM_OK)
    finish(transfer, std::make_exception_ptr(Permanent("libcurl takes no more transfers")));
}

void Client::State::prepare(const TransferPtr& transfer) {
  Easy easy;
  if (idle_.empty()) {
    easy.reset(curl_easy_init());
    if (!easy) throw std::bad_alloc();
  } else {
    easy = std::move(idle_.back());
    idle_.pop_back();
  }
  if (transfer->request.read_body) {
    transfer->refill = [this, weak = std::weak_ptr<Transfer>(transfer)] {
      if (const auto alive = weak.lock()) read_ahead(alive);
    };
  }
  transfer->prepare(std::move(easy), options_.user_agent);
}

// Reads the next chunks of a streamed upload on the upload pool.
void Client::State::read_ahead(const TransferPtr& transfer) {
  {
    const std::scoped_lock lock(transfer->mutex);
    auto& upload = transfer->upload;
    if (upload.reading || upload.end || upload.ending || upload.chunks.size() >= kUploadAhead) return;
    upload.reading = true;
  }
  std::call_once(upload_once_, [this] { upload_pool_ = std::make_unique<asio::thread_pool>(kUploadThreads); });
  asio::post(*upload_pool_, [this, transfer] {
    std::string chunk(kUploadChunk, '\0');
    std::exception_ptr failure;
    size_t size = 0;
    try {
      size = std::min(transfer->request.read_body(chunk.data(), chunk.size()), chunk.size());
    } catch (...) {
      failure = std::current_exception();
    }
    chunk.resize(size);
    bool ending = false;
    {
      const std::scoped_lock lock(transfer->mutex);
      auto& upload = transfer->upload;
      upload.reading = false;
      upload.failure = failure;
      upload.end = size == 0;
      if (size > 0) upload.chunks.push_back(std::move(chunk));
      ending = upload.ending;
    }
    if (ending) return settle(transfer);
    resume(transfer);
    if (size > 0) read_ahead(transfer);
  });
}

void Client::State::end(CURL* easy, CURLcode code) {
  const auto found = running_.find(easy);
  if (found == running_.end()) return;
  const TransferPtr transfer = found->second;
  std::exception_ptr failure;
  if (code != CURLE_OK) {
    failure = transfer->failure_of(code);
  } else {
    long status = 0, connects = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connects);
    transfer->response.status = int(status);
    transfer->response.reused_connection = connects == 0;
    transfer->response.time =
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - transfer->begin);
  }
  finish(transfer, failure);
}

void Client::State::finish(const TransferPtr& transfer, std::exception_ptr failure) {
  if (transfer->easy) {
    if (running_.erase(transfer->easy.get()) > 0) curl_multi_remove_handle(multi_, transfer->easy.get());
    curl_easy_reset(transfer->easy.get());
    if (idle_.size() < kIdleHandles) idle_.push_back(std::move(transfer->easy));
    transfer->easy.reset();
  }
  {
    // A read_body that still runs may use what its caller owns: send() is left only when it has returned.
    const std::scoped_lock lock(transfer->mutex);
    transfer->failure = std::move(failure);
    transfer->upload.ending = true;
    if (transfer->upload.reading) return;
  }
  settle(transfer);
}

void Client::State::settle(const TransferPtr& transfer) {
  std::function<void()> waiter;
  {
    const std::scoped_lock lock(transfer->mutex);
    transfer->done = true;
    waiter.swap(transfer->waiter);
    transfer->changed.notify_all();
  }
  unfinished_.fetch_sub(1);
  if (waiter) waiter();
}

Task<void> Client::State::wait(TransferPtr transfer) {
  return asio::async_initiate<const asio::use_awaitable_t<>&, void()>(
      [weak = weak_from_this()](auto handler, TransferPtr t) {
        auto executor = asio::prefer(asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked);
        if (auto slot = asio::get_associated_cancellation_slot(handler); slot.is_connected()) {
          slot.assign([weak, cancelled = std::weak_ptr<Transfer>(t)](asio::cancellation_type) {
            const auto state = weak.lock();
            const auto target = cancelled.lock();
            if (state && target) state->cancel(target);
          });
        }
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        std::function<void()> waiter = [shared, executor] {
          asio::post(executor, [shared] { std::move (*shared)(); });
        };
        {
          const std::scoped_lock lock(t->mutex);
          if (!t->done && t->pieces.empty()) {
            t->waiter = std::move(waiter);
            return;
          }
        }
        waiter();
      },
      asio::use_awaitable, std::move(transfer));
}

Client::Client(ClientOptions options) : state_(std::make_shared<State>(std::move(options))) {}

Client::~Client() {
  state_->close();
}

Task<ClientResponse> Client::send(ClientRequest request) {
  if ((co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none) throw Cancelled();
  const auto state = state_;
  const auto transfer = std::make_shared<Transfer>();
  transfer->request = std::move(request);
  state->submit(transfer);
  // When this frame goes without having seen the end (on_piece threw, or the context is destroyed), the transfer goes
  // too.
  struct Guard {
    std::shared_ptr<State> state;
    TransferPtr transfer;
    ~Guard() {
      const auto done = [this] {
        const std::scoped_lock lock(transfer->mutex);
        return transfer->done;
      };
      if (!done()) state->cancel(transfer);
    }
  };
  const Guard guard{state, transfer};
  std::string piece;
  while (true) {
    co_await state->wait(transfer);
    bool resume = false, done = false;
    {
      const std::scoped_lock lock(transfer->mutex);
      piece.clear();
      piece.swap(transfer->pieces);
      done = transfer->done;
      resume = std::exchange(transfer->read_paused, false) && !done;
    }
    if (!piece.empty()) co_await transfer->request.on_piece(piece);
    if (done) break;
    if (resume) state->resume(transfer);
  }
  if (transfer->failure) std::rethrow_exception(transfer->failure);
  co_return std::move(transfer->response);
}

ClientResponse Client::send_blocking(ClientRequest request) {
  if (request.on_piece) throw Permanent("on_piece needs a coroutine: use send()");
  const auto transfer = std::make_shared<Transfer>();
  transfer->request = std::move(request);
  state_->submit(transfer);
  std::unique_lock lock(transfer->mutex);
  transfer->changed.wait(lock, [&] { return transfer->done; });
  if (transfer->failure) std::rethrow_exception(transfer->failure);
  return std::move(transfer->response);
}

}  // namespace dalgona::http
