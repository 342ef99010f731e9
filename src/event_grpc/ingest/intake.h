// What has been taken in and not been confirmed by the broker yet, over all ways in: the bound that pushes back.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

namespace dalgona::event_grpc {

// Thread-safe. Outlives its shares.
class Intake {
 public:
  struct Limits {
    uint64_t bytes = 64ull << 20;  // of bodies on their way and of messages, with what a message costs beside its body
    uint64_t messages = 100'000;
  };
  explicit Intake(Limits limits) : limits_(limits) {}
  Intake(const Intake&) = delete;
  Intake& operator=(const Intake&) = delete;

  // Nothing new is let in: senders are told to come again.
  bool full() const { return bytes_ >= limits_.bytes || messages_ >= limits_.messages; }
  uint64_t bytes() const { return bytes_; }
  uint64_t messages() const { return messages_; }

  // One request's part, given back when it goes. Used by one thread at a time.
  class Share {
   public:
    explicit Share(Intake& intake) : intake_(intake) {}
    ~Share() { set(0, 0); }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    // Replaces what it held.
    void set(uint64_t bytes, uint64_t messages);
    // The others fill the buffer: a body that is still coming has no place. A request that is alone always has one.
    bool crowded_out() const;

   private:
    Intake& intake_;
    uint64_t bytes_ = 0, messages_ = 0;
  };

  // Calls `f` once, as soon as the buffer is not full: at once, or on the thread that gives back.
  void when_room(std::function<void()> f);

 private:
  const Limits limits_;
  std::atomic<uint64_t> bytes_{0}, messages_{0};
  std::mutex mutex_;
  std::vector<std::function<void()>> waiting_;
};

}  // namespace dalgona::event_grpc
