// The stores that `dalgona up` brings along until a URL in the config replaces them. Each lives in one folder of the
// home, listens on loopback only, has a generated password (0600) and dies with this process.
#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include <sys/types.h>

namespace dalgona {

// One caller at a time.
class PrivateServer {
 public:
  virtual ~PrivateServer() = default;
  virtual std::string name() const = 0;
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
};

struct PrivateServerOptions {
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
