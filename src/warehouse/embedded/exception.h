// ClickHouse's exceptions on the HTTP interface.
#pragma once
#include <string>
#include <string_view>

namespace dalgona::warehouse::embedded {

// "Code: 60. DB::Exception: ..." -> 60; 1002 (unknown) when there is none.
int exception_code(std::string_view text);
// The status that ClickHouse answers for a code (src/Server/HTTP/exceptionCodeToHTTPStatus.cpp).
int http_status(int exception_code);
// "Code: 62. DB::Exception: TEXT. (NAME) (version V)", one line end behind it, as the server writes it.
std::string exception_text(int code, std::string_view text, std::string_view name, std::string_view version);
// The engine's own text in that form: it lacks the version, or has it several times when exceptions were wrapped.
std::string exception_text(std::string_view engine_text, std::string_view version);

}  // namespace dalgona::warehouse::embedded
