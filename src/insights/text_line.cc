#include "insights/text_line.h"

#include "base/errors.h"

namespace dalgona::insights {

TextLineReader::TextLineReader(std::string text_field, std::string id_field)
    : text_field_(std::move(text_field)), id_field_(std::move(id_field)) {}

TextLineReader::Row TextLineReader::read(std::string_view line) {
  simdjson::dom::element document;
  if (const auto error = parser_.parse(line.data(), line.size()).get(document))
    throw InvalidInput(std::string("not JSON: ") + simdjson::error_message(error));
  simdjson::dom::object object;
  if (document.get(object)) throw InvalidInput("not a JSON object");
  Row row;
  if (object[text_field_].get(row.text)) throw InvalidInput("no text in field '" + text_field_ + "'");
  simdjson::dom::element id;
  if (!object[id_field_].get(id) && (id.is_string() || id.is_int64() || id.is_uint64())) row.id = simdjson::minify(id);
  return row;
}

}  // namespace dalgona::insights
