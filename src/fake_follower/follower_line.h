// A follower as a line of a file.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include <simdjson.h>

#include "fake_follower/account.h"

namespace dalgona::fake_follower {

enum class LineFormat {
  kNdjson,  // a JSON object with two fields
  kCsv,     // fields between commas, "quoted, with ""quotes"" doubled" as RFC 4180 has it, all on one line
  kText,    // handle, tab, name
};

struct LineOptions {
  LineFormat format = LineFormat::kNdjson;
  std::string handle_field = "follower_handle";  // NDJSON; in CSV the names of a header line, which is passed over
  std::string name_field = "follower_full_name";
  size_t handle_column = 1, name_column = 2;  // CSV, from 1
  bool account = false;                       // NDJSON: read the fields of account_fields.h too, each optional
};

// Valid until the reader's next line, and as long as the line's bytes.
struct FollowerLine {
  std::string_view handle, full_name;
  bool header = false;  // the columns' names: nothing to score
  Account account;      // what the line tells beside the names; the handle's own figures are left 0
};

// Not thread-safe: one for each thread.
class FollowerReader {
 public:
  explicit FollowerReader(LineOptions options);
  // Throws InvalidInput naming what is wrong. A name that is null is an empty one; a handle has to be there.
  FollowerLine read(std::string_view line);

 private:
  FollowerLine read_json(std::string_view line);
  FollowerLine read_csv(std::string_view line);
  FollowerLine read_text(std::string_view line) const;

  LineOptions options_;
  simdjson::dom::parser parser_;
  std::string handle_, name_;  // CSV fields without their quotes
};

}  // namespace dalgona::fake_follower
