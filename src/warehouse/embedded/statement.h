// What the HTTP interface must know of a statement before the engine parses it: its kind, where the data of an INSERT
// begins, which format it names. A lexer of ClickHouse's tokens, no parser: the engine judges the rest.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace dalgona::warehouse::embedded {

enum class StatementKind {
  kEmpty,
  kSelect,      // SELECT, WITH, FROM, (SELECT: may give a large result, which is streamed
  kInsertData,  // INSERT with data behind it: FORMAT or VALUES
  kOther        // everything else; results are small
};

struct Statement {
  StatementKind kind = StatementKind::kEmpty;
  bool is_write = false;    // INSERT of any kind
  bool is_kill = false;     // KILL QUERY
  bool has_format = false;  // names one itself
  std::string format;       // that one; "Values" for INSERT ... VALUES
  // Where the statement ends: before ';', comments and blanks, before the data, or before the SYNC of a DROP, which
  // the engine would wait for in vain (docs/traps.md).
  size_t end = 0;
  size_t format_at = 0;           // kSelect with a format: where the FORMAT clause begins
  size_t source_at = 0;           // kInsertData: where FROM INFILE belongs, behind table and columns
  size_t data_at = 0;             // kInsertData: where the data begin; may be the text's size
  bool from_client_file = false;  // FROM INFILE or INTO OUTFILE, which mean the client's files and are refused
  bool several = false;           // another statement follows
};

// `text` may end in the middle of an INSERT's data, but not before them. Throws InvalidInput on an unclosed quote or
// comment.
Statement inspect(std::string_view text);

// The statement with its result going to the file: "... INTO OUTFILE 'path' TRUNCATE ... FORMAT f".
std::string into_file(std::string_view text, const Statement& statement, std::string_view path, std::string_view format,
                      std::string_view compression);
// The INSERT with its data coming from the file.
std::string from_file(std::string_view text, const Statement& statement, std::string_view path,
                      std::string_view compression);
// KILL QUERY with the ids that clients know in place of the engine's own.
std::string kill_by_client_id(std::string_view text, const Statement& statement);

}  // namespace dalgona::warehouse::embedded
