// Followers from outside: a JSON object a line, or CSV with a header.
#pragma once
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "fake_follower/account.h"
#include "insights/stream.h"

namespace dalgona::fake_follower {

struct Follower {
  std::string handle, full_name;  // as given; any bytes
  Account account;                // the handle's figures, and what else the line tells
};

enum class FollowerFormat { kNdjson, kCsv };

// Fields, in either form: follower_handle (needed), follower_full_name, and, each optional, followers, followings,
// posts (counts), biography (text) or bio_length, has_picture, is_private (true, false, 1, 0). null and an empty cell
// mean not known. Other fields are left alone.
//
// The header of a CSV input is its first line, which only one thread sees: the others wait for it. One object for all
// threads; each asks with a parser of its own.
class FollowerInput {
 public:
  explicit FollowerInput(FollowerFormat format) : format_(format) {}

  class Parser {
   public:
    explicit Parser(FollowerInput& input);
    ~Parser();
    // False for a header: the first line, and the first of each further file. Throws InvalidInput naming the field;
    // Permanent when the header was no good.
    bool parse(const insights::Line& line, Follower& follower);

   private:
    void parse_ndjson(std::string_view line, Follower& follower);
    bool parse_csv(std::string_view line, Follower& follower);
    struct Json;
    FollowerInput& input_;
    std::unique_ptr<Json> json_;
    std::vector<std::string> cells_;
  };

  // To be told of every line that is refused before a parser sees it, or the other threads would wait for a header for
  // ever. Throws Permanent when it was the header.
  void refused(const insights::Line& line, std::string_view reason);
  // Why the header was no good; "" when it was.
  std::string header_error();

 private:
  const std::vector<int>& await_header();  // the field of each column, -1 for others
  void set_header(std::string_view line);

  FollowerFormat format_;
  std::mutex mutex_;
  std::condition_variable known_;
  bool ready_ = false;
  std::vector<int> columns_;
  std::string error_;
};

// The cells of one line of CSV (RFC 4180, without line breaks in quotes). Throws InvalidInput for a quote left open.
void split_csv(std::string_view line, std::vector<std::string>& cells);

}  // namespace dalgona::fake_follower
