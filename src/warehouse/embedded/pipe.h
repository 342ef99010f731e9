// A pipe between a coroutine and a thread of the engine, which opens its end by name (/proc/self/fd/N): the way for
// data of any bytes and any length, with the kernel's buffer as the bound. Private to this room.
#pragma once
#include <cstdint>
#include <string>

#include <boost/asio/posix/stream_descriptor.hpp>

#include "base/async.h"

namespace dalgona::warehouse::embedded {

class Pipe {
 public:
  enum class Ours { kReading, kWriting };
  // Throws Retryable when the process has no descriptors left.
  Pipe(asio::any_io_executor executor, Ours ours);
  ~Pipe();
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  // What the engine opens; valid until close_theirs().
  std::string path() const;
  // Drops the end that the engine opens by name; what it has opened stays open. Thread-safe, idempotent: the reader of
  // the other end then sees the end of the data once the engine has closed its own, and a writer that nobody reads.
  void close_theirs();
  void close_ours();

  // Bytes read into `to`; 0 at the end.
  Task<size_t> read(char* to, size_t size);
  // False when the engine has closed its end and reads no more.
  Task<bool> write(std::string_view bytes);

 private:
  boost::asio::posix::stream_descriptor ours_;
  std::atomic<int> theirs_{-1};
};

}  // namespace dalgona::warehouse::embedded
