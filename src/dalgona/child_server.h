// What `dalgona up` runs: the private stores that it brings along until a URL in the config replaces them, and the
// roles. Each is a child process that listens on loopback only and dies with this process; a store lives in one folder
// of the home and has a generated password (0600).
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include <sys/types.h>

namespace dalgona {

// One caller at a time, cancel() aside.
class ChildServer {
 public:
  virtual ~ChildServer() = default;
  virtual std::string name() const = 0;
  // Ends a start() that runs in another thread, with Cancelled.
  void cancel() { cancelled_ = true; }
  // Folder and password, so that url() is known before start(). Idempotent; start() calls it too.
  virtual void prepare() = 0;
  // Creates what is missing, starts the server and returns when it takes requests. Everything that an earlier run
  // committed is there. Throws Permanent with the last lines of the server's log.
  virtual void start(std::chrono::milliseconds limit) = 0;
  // The process is there.
  virtual bool running() = 0;
  // It answers in its own protocol.
  virtual bool healthy() = 0;
  // In order, and after `grace` by force.
  virtual void stop(std::chrono::milliseconds grace) = 0;
  // With user and password; never printed or passed as an argument.
  virtual std::string url() const = 0;
  virtual uint16_t port() const = 0;
  virtual pid_t pid() const = 0;  // -1: none
  // Readable when the process ends; for poll().
  virtual int descriptor() const = 0;

 protected:
  std::atomic<bool> cancelled_{false};
};

struct ChildServerOptions {
  std::filesystem::path home;  // absolute
  uint16_t port = 0;
  // false: no fsync; survives kill -9, not a power cut. For tests.
  bool durable = true;
};

// The password in `file`, made at first (0600). Throws InvalidInput when the file is not private.
std::string private_password(const std::filesystem::path& file);
// Makes the folder with mode 0700.
void private_folder(const std::filesystem::path& folder);

}  // namespace dalgona
