// A text as a JSON object on a line of its own.
#pragma once
#include <string>
#include <string_view>

#include <simdjson.h>

namespace dalgona::insights {

// Not thread-safe: one for each thread.
class TextLineReader {
 public:
  // The fields that hold the text and, where there is one, an id.
  TextLineReader(std::string text_field, std::string id_field);

  struct Row {
    std::string_view text;  // valid until the next line
    std::string id;         // as JSON; "" when there is none
  };
  // Throws InvalidInput naming what is wrong.
  Row read(std::string_view line);

 private:
  std::string text_field_, id_field_;
  simdjson::dom::parser parser_;
};

}  // namespace dalgona::insights
