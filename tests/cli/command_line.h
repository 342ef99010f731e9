// The dalgona program as a child process, with its three streams as files.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace dalgona::test {

struct Outcome {
  int exit_code = -1;  // -1: it did not end by itself
  std::string out, error;

  std::vector<std::string> lines() const;  // of out
};

// A folder of its own for each test, gone with it.
class CommandLine : public testing::Test {
 protected:
  CommandLine();
  ~CommandLine() override;

  // A file of the folder, for arguments.
  std::string file(const std::string& name, std::string_view bytes);
  // Runs `dalgona ARGUMENTS...` with `input` as its standard input, for two minutes at most.
  Outcome run(const std::vector<std::string>& arguments, std::string_view input = {});

  std::filesystem::path folder_;
};

// $DALGONA_BIN, else `dalgona` in the nearest folder above the test. Throws Permanent when there is none.
std::filesystem::path dalgona_program();

}  // namespace dalgona::test
