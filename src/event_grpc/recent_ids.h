// Which event ids were seen lately, in a fixed amount of memory. It never says "new" of an id among the last ones it
// took (see capacity()), and says "seen" of a new one once in some hundred million; so "seen" is a reason to ask the
// warehouse and nothing more.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>

#include <sys/mman.h>

#include "base/ids.h"

namespace dalgona::event_grpc {

// Used by one thread. 64 bytes for 15 ids; memory is touched as it fills.
class RecentIds {
 public:
  explicit RecentIds(size_t capacity) {
    size_t buckets = 1;
    while (buckets * kSlots < capacity) buckets *= 2;
    // Straight from the system, which gives pages of zeros when they are first touched: what a quiet stream may come to
    // need is not taken at the start.
    void* memory =
        ::mmap(nullptr, buckets * sizeof(Bucket), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    buckets_ = {static_cast<Bucket*>(memory), Unmap{buckets * sizeof(Bucket)}};
    mask_ = buckets - 1;
  }

  // add() of `count` ids, id(0) first: seen(i) for each that was remembered already. An id's place in memory is a
  // random one, so it is fetched some ids ahead.
  template <typename Id, typename Seen>
  void add_all(size_t count, Id id, Seen seen) {
    constexpr size_t kAhead = 12;  // a look into memory takes that many ids' time
    const auto prefetch = [&](size_t i) { __builtin_prefetch(&buckets_[mix(id(i)) & mask_], 1); };
    for (size_t i = 0; i < std::min(count, kAhead); ++i) prefetch(i);
    for (size_t i = 0; i < count; ++i) {
      if (i + kAhead < count) prefetch(i + kAhead);
      if (add(id(i))) seen(i);
    }
  }
  // Remembers the id; true when it was remembered already.
  bool add(const Uuid& id) {
    const uint64_t hash = mix(id);
    auto& bucket = buckets_[hash & mask_];
    uint32_t print = uint32_t(hash >> 32);
    if (print == 0) print = 1;  // 0 is an empty slot
    for (const uint32_t p : bucket.prints)
      if (p == print) return true;
    // The oldest of the bucket makes room.
    bucket.prints[bucket.next] = print;
    bucket.next = (bucket.next + 1) % kSlots;
    return false;
  }
  // About how many ids are remembered; buckets fill unevenly, so rely on a fifth of it
  // (three ids a bucket on average; more than fifteen in one are as rare as one in a hundred million).
  size_t capacity() const { return (mask_ + 1) * kSlots; }

 private:
  static constexpr uint32_t kSlots = 15;
  // All zeros: nothing in it.
  struct alignas(64) Bucket {
    std::array<uint32_t, kSlots> prints;
    uint32_t next;
  };
  struct Unmap {
    size_t bytes;
    void operator()(Bucket* memory) const { ::munmap(memory, bytes); }
  };
  static uint64_t mix(const Uuid& id) {
    uint64_t a = 0, b = 0;
    std::memcpy(&a, id.bytes.data(), 8);
    std::memcpy(&b, id.bytes.data() + 8, 8);
    uint64_t x = a * 0x9e3779b97f4a7c15ull ^ b;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
  }
  std::unique_ptr<Bucket[], Unmap> buckets_;
  uint64_t mask_ = 0;
};

}  // namespace dalgona::event_grpc
