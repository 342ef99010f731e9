// Google's partial responses: the `fields` parameter, as "items(id,snippet/title),nextPageToken".
#pragma once
#include <map>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

namespace dalgona::sandbox {

// fields := field { "," field } ; field := segment { "/" segment } [ "(" fields ")" ] ; segment := name | "*".
// A field without anything below it selects all that is below.
class FieldMask {
 public:
  // Throws InvalidInput naming the place in the text.
  static FieldMask parse(std::string_view text);
  // Keeps what is selected; lists are gone through element by element.
  boost::json::value apply(const boost::json::value& value) const;
  // The path of a selected field that `schema` lacks, "" when it has all of them. In a schema "*" stands for any name.
  std::string unknown_in(const FieldMask& schema) const;

 private:
  friend class FieldParser;
  bool all() const { return children_.empty(); }
  void merge(const FieldMask& other);
  std::map<std::string, FieldMask, std::less<>> children_;  // empty: everything
};

}  // namespace dalgona::sandbox
