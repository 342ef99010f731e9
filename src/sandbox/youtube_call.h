// One call of the simulated YouTube Data API: its parameters, checked as they are asked for, and the list that answers
// it. For this folder only.
#pragma once
#include <algorithm>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/youtube_api.h"

namespace dalgona::sandbox {

// The parameters of one call, checked as they are asked for.
class YoutubeApi::Call {
 public:
  Call(std::string_view endpoint, const http::Query& query, Time now) : endpoint_(endpoint), query_(query), now_(now) {}

  Time now() const { return now_; }
  Day day() const { return day_of(now_); }
  std::optional<std::string> text(std::string_view name) const;
  // Every parameter must be one of these or a standard one.
  void allow(std::initializer_list<std::string_view> names) const;
  Parts parts(const PartList& list) const;
  // Exactly one of the filters must be there; gives its name.
  std::string filter(std::initializer_list<std::string_view> names) const;
  // Distinct, in order.
  std::vector<std::string> ids(std::string_view name) const;
  size_t max_results(size_t least, size_t otherwise) const;
  void check_region() const;
  std::optional<Time> time(std::string_view name) const;
  void refuse_owner_filters(std::initializer_list<std::string_view> names) const;
  // Where the page begins that `pageToken` asks for.
  size_t offset() const;

  struct Page {
    size_t total, offset, size;
    size_t end() const { return std::min(total, offset + size); }
  };

  // The list around `items`. `omit_empty`: as channels.list does, no "items" at all when there is none.
  ApiReply list(std::string_view kind, const std::string& items, Fingerprint fingerprint, std::optional<Page> page,
                std::string_view region = {}, bool omit_empty = false) const;

 private:
  // Comma-separated, and perhaps repeated.
  std::vector<std::string> values(std::string_view name) const;

  // Of everything that makes the result list, and not of what cuts it into pages.
  uint32_t check() const;
  size_t decode(std::string_view token, bool backwards) const;
  void shape(ApiReply& reply) const;

  std::string endpoint_;
  const http::Query& query_;
  Time now_;
};

}  // namespace dalgona::sandbox
