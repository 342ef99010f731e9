#include "insights/stream.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/resources.h"

namespace dalgona::insights {
namespace {

class LineStream : public testing::Test {
 protected:
  LineStream() : folder_(std::filesystem::path(testing::TempDir()) / ("line_stream_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
  }
  ~LineStream() override {
    if (out_) std::fclose(out_);
    std::filesystem::remove_all(folder_);
  }
  std::string file(const std::string& name, const std::string& bytes) {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return folder_ / name;
  }
  std::FILE* out() {
    if (!out_) out_ = std::fopen((folder_ / "out").c_str(), "w+");
    return out_;
  }
  std::string written() { return read_file(folder_ / "out"); }
  static void tell(const Line& line, std::string_view reason, std::string& into) {
    into += std::to_string(line.number) + " bad: " + std::string(reason) + "\n";
  }

  std::filesystem::path folder_;
  std::FILE* out_ = nullptr;
};

TEST_F(LineStream, BadLinesAreToldWithTheirNumberAndTheRestGoesOn) {
  const auto first = file("a", "one\r\n\nbad\n" + std::string(300, 'x') + "\n" + std::string("z\0ero", 5));
  const auto second = file("b", "last\n");
  const auto totals = for_each_line(
      {.files = {first, second}, .longest_line = 100, .out = out()},
      [](int) {
        return [](const Line& line, std::string& into) {
          into += "half";
          if (line.text == "bad") throw InvalidInput("no good");
          into += std::to_string(line.number) + " " + std::to_string(line.text.size()) + "\n";
        };
      },
      tell);
  EXPECT_EQ(totals.lines, 6u);
  EXPECT_EQ(totals.bad, 2u);
  EXPECT_EQ(written(), "half1 3\nhalf2 0\n3 bad: no good\n4 bad: longer than 100 bytes\nhalf5 5\nhalf6 4\n");
}

TEST_F(LineStream, TenMegabytesInOneLine) {
  const auto big = file("big", std::string(10 << 20, 'a') + "\nb\n");
  size_t longest = 0;
  const auto totals = for_each_line(
      {.files = {big}, .out = out()},
      [&](int) { return [&](const Line& line, std::string&) { longest = std::max(longest, line.text.size()); }; },
      tell);
  EXPECT_EQ(totals.lines, 2u);
  EXPECT_EQ(longest, size_t{10} << 20);
}

TEST_F(LineStream, ThreadsKeepTheOrder) {
  std::string bytes, expected;
  for (int i = 1; i <= 200'000; ++i) {
    bytes += std::to_string(i * 7) + "\n";
    expected += std::to_string(i) + ":" + std::to_string(i * 7) + "\n";
  }
  const auto numbers = file("numbers", bytes);
  for_each_line(
      {.files = {numbers}, .threads = 4, .out = out()},
      [](int) {
        return [](const Line& line, std::string& into) {
          into += std::to_string(line.number) + ":" + std::string(line.text) + "\n";
        };
      },
      tell);
  EXPECT_EQ(written(), expected);
}

TEST_F(LineStream, AFileThatIsNotThereIsNamed) {
  try {
    for_each_line(
        {.files = {"/nowhere/x"}, .out = out()}, [](int) { return [](const Line&, std::string&) {}; }, tell);
    FAIL();
  } catch (const InvalidInput& e) {
    EXPECT_NE(std::string(e.what()).find("/nowhere/x"), std::string::npos);
  }
}

// The first line waits until the others have stopped: they must stop, long before the file's end.
TEST_F(LineStream, OneSlowLineDoesNotLetTheOthersRunAway) {
  constexpr uint64_t kLines = 40'000;  // of a KiB: 160 batches, of which 16 may be read ahead
  const auto lines = [&] {
    std::string bytes;
    for (uint64_t i = 0; i < kLines; ++i) bytes += std::string(1023, 'x') + "\n";
    return file("many", bytes);
  }();
  std::atomic<uint64_t> done = 0;
  uint64_t ahead = 0;
  for_each_line(
      {.files = {lines}, .threads = 2, .out = out()},
      [&](int) {
        return [&](const Line& line, std::string&) {
          if (line.number > 1) {
            ++done;
            return;
          }
          std::mutex mutex;
          std::condition_variable never;
          std::unique_lock lock(mutex);
          for (uint64_t before = UINT64_MAX; before != done.load();) {  // until nothing moves for a while
            before = done.load();
            never.wait_for(lock, std::chrono::milliseconds{500});
          }
          ahead = done.load();
        };
      },
      tell);
  EXPECT_EQ(done, kLines - 1);
  EXPECT_GT(ahead, 0u);
  EXPECT_LT(ahead, kLines / 4);
}

}  // namespace
}  // namespace dalgona::insights
