#include "warehouse/embedded/exception.h"

#include <charconv>

#include <fmt/format.h>

#include "base/text.h"

namespace dalgona::warehouse::embedded {

int exception_code(std::string_view text) {
  constexpr std::string_view kStart = "Code: ";
  int code = 1002;
  if (const size_t at = text.find(kStart); at != std::string_view::npos)
    std::from_chars(text.data() + at + kStart.size(), text.data() + text.size(), code);
  return code;
}

int http_status(int code) {
  switch (code) {
    case 194:  // REQUIRED_PASSWORD
      return 401;
    case 192:  // UNKNOWN_USER
    case 193:  // WRONG_PASSWORD
    case 516:  // AUTHENTICATION_FAILED
    case 497:  // ACCESS_DENIED
    case 512:  // SET_NON_GRANTED_ROLE
      return 403;
    case 6:    // CANNOT_PARSE_TEXT
    case 25:   // CANNOT_PARSE_ESCAPE_SEQUENCE
    case 26:   // CANNOT_PARSE_QUOTED_STRING
    case 27:   // CANNOT_PARSE_INPUT_ASSERTION_FAILED
    case 36:   // BAD_ARGUMENTS
    case 38:   // CANNOT_PARSE_DATE
    case 41:   // CANNOT_PARSE_DATETIME
    case 43:   // ILLEGAL_TYPE_OF_ARGUMENT
    case 44:   // ILLEGAL_COLUMN
    case 53:   // TYPE_MISMATCH
    case 62:   // SYNTAX_ERROR
    case 72:   // CANNOT_PARSE_NUMBER
    case 117:  // INCORRECT_DATA
    case 130:  // CANNOT_PARSE_ARRAY (CANNOT_READ_ARRAY_FROM_TEXT)
    case 167:  // TOO_DEEP_AST
    case 168:  // TOO_BIG_AST
    case 172:  // UNKNOWN_ELEMENT_IN_AST
    case 321:  // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
    case 376:  // CANNOT_PARSE_UUID
    case 427:  // CANNOT_COMPILE_REGEXP
    case 441:  // CANNOT_PARSE_DOMAIN_VALUE_FROM_STRING
    case 457:  // BAD_QUERY_PARAMETER
    case 456:  // UNKNOWN_QUERY_PARAMETER
      return 400;
    case 16:   // NO_SUCH_COLUMN_IN_TABLE
    case 46:   // UNKNOWN_FUNCTION
    case 47:   // UNKNOWN_IDENTIFIER
    case 50:   // UNKNOWN_TYPE
    case 56:   // UNKNOWN_STORAGE
    case 60:   // UNKNOWN_TABLE
    case 63:   // UNKNOWN_AGGREGATE_FUNCTION
    case 73:   // UNKNOWN_FORMAT
    case 78:   // UNKNOWN_TYPE_OF_QUERY
    case 81:   // UNKNOWN_DATABASE
    case 115:  // UNKNOWN_SETTING
    case 211:  // EMPTY_QUERY
    case 277:  // UNKNOWN_DIRECTION_OF_SORTING
    case 336:  // UNKNOWN_DATABASE_ENGINE
    case 372:  // SESSION_NOT_FOUND
      return 404;
    case 159:  // TIMEOUT_EXCEEDED
      return 408;
    case 381:  // HTTP_LENGTH_REQUIRED
      return 411;
    case 229:  // QUERY_IS_TOO_LARGE
      return 413;
    case 48:  // NOT_IMPLEMENTED
      return 501;
    case 76:   // CANNOT_OPEN_FILE
    case 209:  // SOCKET_TIMEOUT
    case 439:  // CANNOT_SCHEDULE_TASK
    case 236:  // ABORTED: we are stopping
      return 503;
    default:
      return 500;
  }
}

std::string exception_text(int code, std::string_view text, std::string_view name, std::string_view version) {
  return fmt::format("Code: {}. DB::Exception: {}. ({}) (version {})\n", code, text, name, version);
}

std::string exception_text(std::string_view engine_text, std::string_view version) {
  const std::string mark = fmt::format(" (version {})", version);
  std::string text(trim(engine_text));
  // Wrapped exceptions say "Code: 73. DB::Exception: Code: 73. DB::Exception: text. (NAME) (version V). (NAME)".
  for (;;) {
    constexpr std::string_view kException = "DB::Exception: ";
    const size_t inner = text.find(kException);
    if (inner == std::string::npos || text.compare(inner + kException.size(), 6, "Code: ") != 0) break;
    const size_t version_at = text.rfind(mark);
    std::string unwrapped = text.substr(inner + kException.size());
    if (version_at != std::string::npos && version_at > inner)
      unwrapped = text.substr(inner + kException.size(), version_at - inner - kException.size());
    if (unwrapped.size() >= text.size()) break;
    text = std::move(unwrapped);
  }
  if (!text.ends_with(mark)) text += mark;
  return text + "\n";
}

}  // namespace dalgona::warehouse::embedded
