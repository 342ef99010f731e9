// A TCP relay on loopback whose connections can be cut at will, so that a broken network can be had without touching
// what stands at its ends.
#pragma once
#include <cstdint>
#include <memory>

namespace dalgona::chaos {

// Thread-safe; has a thread of its own.
class Proxy {
 public:
  explicit Proxy(uint16_t target);
  ~Proxy();
  uint16_t port() const;
  // Resets every connection that is open now.
  void cut();
  // While true, new connections are reset at once.
  void refuse(bool on);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dalgona::chaos
