#include "warehouse/embedded/job.h"

#include <boost/asio/redirect_error.hpp>

#include "base/log.h"

namespace dalgona::warehouse::embedded {

namespace {
// A cancelled statement notices within a block; after that it hangs.
constexpr std::chrono::seconds kGrace{15};
constexpr std::chrono::milliseconds kDoomLook{10};
}  // namespace

Job::Job(Engine& engine, std::string id, std::shared_ptr<Pipe> pipe, asio::any_io_executor executor)
    : engine_(engine),
      id_(std::move(id)),
      pipe_(std::move(pipe)),
      executor_(std::move(executor)),
      changed_(executor_, asio::steady_timer::time_point::max()),
      watchdog_(executor_),
      began_(std::chrono::steady_clock::now()) {}

std::shared_ptr<Job> Job::start(Engine& engine, Query query, std::shared_ptr<Pipe> pipe, asio::any_io_executor executor,
                                std::chrono::milliseconds limit) {
  std::shared_ptr<Job> job(new Job(engine, query.id, std::move(pipe), std::move(executor)));
  engine.start(std::move(query), [job](Answer answer) {
    if (job->pipe_) job->pipe_->close_theirs();
    asio::post(job->executor_, [job, answer = std::move(answer)]() mutable {
      job->answer_ = std::move(answer);
      job->took_ = std::chrono::steady_clock::now() - job->began_;
      job->watchdog_.cancel();
      job->changed_.cancel();
    });
  });
  job->watch(limit);
  return job;
}

void Job::watch(std::chrono::milliseconds limit) {
  watchdog_.expires_after(limit);
  watchdog_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (error || !self || self->done()) return;
    if (!self->timed_out_) {
      self->timed_out_ = true;
      self->cancel();
      self->watch(kGrace);
      return;
    }
    log::error("msg=\"a statement hangs and is given up\" query_id={}", log::quoted(self->id_));
    self->given_up_ = true;
    if (self->pipe_) self->pipe_->close_ours();
    self->changed_.cancel();
  });
}

Task<void> Job::wait() {
  while (!done() && !given_up_) {
    boost::system::error_code woken;
    co_await changed_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
  }
}

Task<void> Job::doom() {
  cancel();
  asio::steady_timer timer(executor_);
  while (!done() && !given_up_ && !engine_.is_doomed(id_)) {
    timer.expires_after(kDoomLook);
    boost::system::error_code woken;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, woken));
  }
}

}  // namespace dalgona::warehouse::embedded
