// A result that must be complete before its first byte is sent: in memory while it is small, then in a file without a
// name, which goes with its descriptor whatever happens. Private to this room.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>

namespace dalgona::warehouse::embedded {

class Spill {
 public:
  explicit Spill(std::filesystem::path folder) : folder_(std::move(folder)) {}
  ~Spill();
  Spill(const Spill&) = delete;
  Spill& operator=(const Spill&) = delete;

  // Throws Retryable when the disk is full.
  void append(std::string_view bytes);
  uint64_t size() const { return size_; }
  bool on_disk() const { return fd_ >= 0; }
  // What is in memory; everything unless on_disk().
  std::string& memory() { return memory_; }
  // Up to `most` bytes of the file from `at` on.
  std::string read(uint64_t at, size_t most) const;

 private:
  void write_out();
  std::filesystem::path folder_;
  std::string memory_;
  uint64_t size_ = 0;
  int fd_ = -1;
};

}  // namespace dalgona::warehouse::embedded
