#include "warehouse/embedded/pipe.h"

#include <cerrno>
#include <cstring>

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/errors.h"

namespace dalgona::warehouse::embedded {

namespace {
// The most that an ordinary user may have; with the kernel's 64 KiB a large insert is bound by the switching.
constexpr int kCapacity = 1 << 20;
}  // namespace

Pipe::Pipe(asio::any_io_executor executor, Ours ours) : ours_(executor) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) throw Retryable(fmt::format("pipe: {}", std::strerror(errno)));
  ::fcntl(ends[0], F_SETPIPE_SZ, kCapacity);
  const bool reading = ours == Ours::kReading;
  theirs_ = ends[reading ? 1 : 0];
  const int mine = ends[reading ? 0 : 1];
  // The engine opens a description of its own, so this does not make its end non-blocking.
  ::fcntl(mine, F_SETFL, ::fcntl(mine, F_GETFL) | O_NONBLOCK);
  ours_.assign(mine);
}

Pipe::~Pipe() {
  close_theirs();
}

std::string Pipe::path() const {
  return fmt::format("/proc/self/fd/{}", theirs_.load());
}

void Pipe::close_theirs() {
  if (const int fd = theirs_.exchange(-1); fd >= 0) ::close(fd);
}

void Pipe::close_ours() {
  boost::system::error_code ignored;
  ours_.close(ignored);
}

Task<size_t> Pipe::read(char* to, size_t size) {
  boost::system::error_code error;
  const size_t got =
      co_await ours_.async_read_some(asio::buffer(to, size), asio::redirect_error(asio::use_awaitable, error));
  if (error && error != asio::error::eof && error != asio::error::operation_aborted)
    throw boost::system::system_error(error);
  co_return error ? 0 : got;
}

Task<bool> Pipe::write(std::string_view bytes) {
  boost::system::error_code error;
  co_await asio::async_write(ours_, asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
  co_return !error;
}

}  // namespace dalgona::warehouse::embedded
