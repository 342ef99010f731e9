// A disk of our own for the home of a run: small, so that it can be filled, and with a moment that can be frozen, so
// that what was not on it is gone.
//
// It is an ext4 image behind a loop device. A power cut: all processes are stopped where they are; the image file then
// holds what the file system had handed to the "disk" by then, and nothing of what is still in the page cache above
// it; that file is copied, the processes are killed, and the copy is mounted instead (ext4 replays its journal). What
// an fsync had not brought down is lost, as after a real power cut. The copy is taken again until no write was under
// way while it was made.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace dalgona::chaos {

class Disk {
 public:
  // Null with `why` when this machine can't: not root, or no loop devices.
  static std::unique_ptr<Disk> make(const std::filesystem::path& folder, uint64_t mib, std::string& why);
  ~Disk();
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  const std::filesystem::path& path() const { return mount_; }
  // Takes all free space, or gives it back.
  void fill();
  void free_up();
  // While everything that writes is stopped.
  void freeze();
  // After everything was killed: what freeze() saw is what there is now.
  void replace();

 private:
  Disk(std::filesystem::path folder, std::filesystem::path image);
  void mount();
  void unmount();
  std::filesystem::path folder_, image_, mount_, frozen_;
  std::string device_;  // "loop3"
  int generation_ = 0;
};

}  // namespace dalgona::chaos
