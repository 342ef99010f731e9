#include "warehouse/embedded/statement.h"

#include <cctype>
#include <optional>
#include <utility>

#include "base/errors.h"
#include "base/text.h"

namespace dalgona::warehouse::embedded {

namespace {

enum class TokenKind { kWord, kQuotedName, kString, kOpen, kClose, kSemicolon, kOther };

struct Token {
  TokenKind kind;
  size_t begin, end;
};

bool word_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '$' || (static_cast<unsigned char>(c) & 0x80u);
}

// ClickHouse's lexical rules (src/Parsers/Lexer.cpp): three kinds of comments, strings with backslashes and doubled
// quotes, heredocs, names in backticks or double quotes.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  std::optional<Token> next() {
    skip_blanks();
    if (at_ >= text_.size()) return {};
    const size_t begin = at_;
    const char c = text_[at_];
    if (c == '\'') return quoted(TokenKind::kString);
    if (c == '"' || c == '`') return quoted(TokenKind::kQuotedName);
    if (c == '$') {
      if (const auto heredoc = this->heredoc()) return heredoc;
    }
    if (word_character(c)) {
      while (at_ < text_.size() && word_character(text_[at_])) ++at_;
      return Token{TokenKind::kWord, begin, at_};
    }
    ++at_;
    const TokenKind kind = c == '(' || c == '[' || c == '{'   ? TokenKind::kOpen
                           : c == ')' || c == ']' || c == '}' ? TokenKind::kClose
                           : c == ';'                         ? TokenKind::kSemicolon
                                                              : TokenKind::kOther;
    return Token{kind, begin, at_};
  }

 private:
  void skip_blanks() {
    for (;;) {
      while (at_ < text_.size() && (std::isspace(static_cast<unsigned char>(text_[at_])) || text_[at_] == '\0')) ++at_;
      const std::string_view rest = text_.substr(at_);
      if (rest.starts_with("--") || rest.starts_with("# ") || rest.starts_with("#!")) {
        at_ = std::min(text_.size(), text_.find('\n', at_));
      } else if (rest.starts_with("/*")) {
        const size_t end = text_.find("*/", at_ + 2);
        if (end == std::string_view::npos) throw InvalidInput("a comment is not closed");
        at_ = end + 2;
      } else {
        return;
      }
    }
  }

  Token quoted(TokenKind kind) {
    const size_t begin = at_;
    const char quote = text_[at_++];
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\\') {
        ++at_;
      } else if (text_[at_] == quote) {
        if (at_ + 1 < text_.size() && text_[at_ + 1] == quote) {
          ++at_;
          continue;
        }
        ++at_;
        return {kind, begin, at_};
      }
    }
    throw InvalidInput("a quote is not closed");
  }

  std::optional<Token> heredoc() {
    size_t end = at_ + 1;
    while (end < text_.size() && word_character(text_[end]) && text_[end] != '$') ++end;
    if (end >= text_.size() || text_[end] != '$') return {};
    const std::string_view tag = text_.substr(at_, end + 1 - at_);
    const size_t close = text_.find(tag, end + 1);
    if (close == std::string_view::npos) return {};
    const Token token{TokenKind::kString, at_, close + tag.size()};
    at_ = token.end;
    return token;
  }

  std::string_view text_;
  size_t at_ = 0;
};

// The tokens outside of all brackets, one at a time, with the one before.
class TopLevel {
 public:
  explicit TopLevel(std::string_view text) : text_(text), lexer_(text) {}
  // False at the end.
  bool next() {
    while (const auto token = lexer_.next()) {
      last_end = token->kind == TokenKind::kSemicolon ? last_end : token->end;
      if (token->kind == TokenKind::kClose) {
        if (depth_ > 0) --depth_;
        if (depth_ == 0) {
          now = *token;
          return true;
        }
        continue;
      }
      const int before = depth_;
      if (token->kind == TokenKind::kOpen) ++depth_;
      if (before > 0) continue;
      now = *token;
      return true;
    }
    return false;
  }
  bool is(std::string_view word) const {
    return now.kind == TokenKind::kWord && equals_ignoring_case(text_.substr(now.begin, now.end - now.begin), word);
  }
  std::string_view word() const { return text_.substr(now.begin, now.end - now.begin); }
  bool named() const { return now.kind == TokenKind::kWord || now.kind == TokenKind::kQuotedName; }
  Token now{TokenKind::kOther, 0, 0};
  size_t last_end = 0;  // of the last token that belongs to the statement

 private:
  static bool equals_ignoring_case(std::string_view a, std::string_view b) {
    return to_lower_ascii(a) == to_lower_ascii(b);
  }
  std::string_view text_;
  Lexer lexer_;
  int depth_ = 0;
};

std::string unquoted(std::string_view name) {
  if (name.size() >= 2 && (name.front() == '`' || name.front() == '"')) name = name.substr(1, name.size() - 2);
  return std::string(name);
}

// Behind "FORMAT Name": blanks, one ';', and the end of the line are not data (ParserInsertQuery.cpp).
size_t skip_to_data(std::string_view text, size_t at) {
  const auto blank = [&] { return at < text.size() && (text[at] == ' ' || text[at] == '\t' || text[at] == '\f'); };
  while (blank()) ++at;
  if (at < text.size() && text[at] == ';') {
    ++at;
    while (blank()) ++at;
  }
  if (at < text.size() && text[at] == '\r') ++at;
  if (at < text.size() && text[at] == '\n') ++at;
  return at;
}

// Reads on from behind INSERT.
void inspect_insert(std::string_view text, TopLevel& tokens, Statement& s) {
  s.is_write = true;
  s.kind = StatementKind::kOther;
  bool more = tokens.next();
  if (more && tokens.is("INTO")) more = tokens.next();
  if (more && tokens.is("TABLE")) {
    more = tokens.next();
  }
  if (more && tokens.is("FUNCTION")) more = tokens.next();
  // The table's name, whatever word it is: name or database.name.
  s.source_at = tokens.now.end;
  for (more = more && tokens.next(); more && tokens.word() == "."; more = tokens.next()) {
    if (!tokens.next()) return;
    s.source_at = tokens.now.end;
  }
  for (; more; more = tokens.next()) {
    if (tokens.is("FORMAT")) {
      if (!tokens.next() || !tokens.named()) return;
      s.format = unquoted(tokens.word());
      s.has_format = true;
      s.kind = StatementKind::kInsertData;
      s.end = tokens.now.end;
      s.data_at = skip_to_data(text, tokens.now.end);
      return;
    }
    if (tokens.is("VALUES")) {
      s.format = "Values";
      s.kind = StatementKind::kInsertData;
      s.end = tokens.now.end;
      s.data_at = tokens.now.end;
      return;
    }
    if (tokens.is("FROM")) {
      if (tokens.next() && tokens.is("INFILE")) s.from_client_file = true;
      return;
    }
    if (tokens.is("SELECT") || tokens.is("WITH") || tokens.is("WATCH")) return;
    // Columns, or the arguments of a table function, are brackets; PARTITION BY and SETTINGS follow the source.
    if (tokens.is("SETTINGS")) {
      while (tokens.next()) {
        if (tokens.is("FORMAT") || tokens.is("VALUES") || tokens.is("SELECT") || tokens.is("WITH") || tokens.is("FROM"))
          break;
      }
      if (tokens.is("FORMAT")) {
        if (!tokens.next() || !tokens.named()) return;
        s.format = unquoted(tokens.word());
        s.has_format = true;
        s.kind = StatementKind::kInsertData;
        s.end = tokens.now.end;
        s.data_at = skip_to_data(text, tokens.now.end);
      } else if (tokens.is("VALUES")) {
        s.format = "Values";
        s.kind = StatementKind::kInsertData;
        s.end = s.data_at = tokens.now.end;
      }
      return;
    }
    s.source_at = tokens.now.end;
  }
}

// Where a DROP or DETACH ends without its last words SYNC or NO DELAY.
size_t without_sync(std::string_view text) {
  TopLevel tokens(text);
  size_t end = 0, end_before = 0;  // of the last word but one, and of the one before
  bool sync = false, no = false, no_delay = false;
  for (size_t last = 0; tokens.next(); last = tokens.now.end) {
    no_delay = no && tokens.is("DELAY");
    no = tokens.is("NO");
    sync = tokens.is("SYNC");
    end_before = std::exchange(end, last);
  }
  return sync ? end : no_delay ? end_before : text.size();
}

}  // namespace

Statement inspect(std::string_view text) {
  Statement s;
  TopLevel tokens(text);
  if (!tokens.next()) return s;
  if (tokens.now.kind == TokenKind::kSemicolon) {
    s.several = tokens.next();
    return s;
  }
  if (tokens.is("INSERT")) {
    inspect_insert(text, tokens, s);
    if (s.kind == StatementKind::kInsertData || s.from_client_file) return s;
  } else if (tokens.is("SELECT") || tokens.is("WITH") || tokens.is("FROM") || tokens.word() == "(") {
    s.kind = StatementKind::kSelect;
  } else {
    s.kind = StatementKind::kOther;
    s.is_kill = tokens.is("KILL");
  }
  // The last "FORMAT name" that ends the statement, or has only SETTINGS behind it.
  const bool drops = tokens.is("DROP") || tokens.is("DETACH");
  size_t before = 0;
  bool after_format = false, after_into = false, in_settings = false;
  for (;;) {
    const bool was_format = std::exchange(after_format, false);
    const bool was_into = std::exchange(after_into, false);
    s.end = tokens.last_end;
    if (tokens.now.kind == TokenKind::kSemicolon) {
      s.several = tokens.next();
      break;
    }
    if (was_into && tokens.is("OUTFILE")) s.from_client_file = true;
    if (was_format && tokens.named()) {
      s.has_format = true;
      s.format = unquoted(tokens.word());
      s.format_at = before;
    } else if (s.has_format && !in_settings) {
      in_settings = tokens.is("SETTINGS");
      if (!in_settings) s.has_format = false;  // it was a name, not the clause
    }
    if (s.kind == StatementKind::kSelect && tokens.is("INSERT")) {  // WITH ... INSERT INTO ... SELECT
      s.kind = StatementKind::kOther;
      s.is_write = true;
    }
    after_format = tokens.is("FORMAT");
    after_into = tokens.is("INTO");
    if (after_format) before = tokens.now.begin;
    if (!tokens.next()) break;
  }
  if (!s.has_format) s.format.clear();
  if (drops) s.end = without_sync(text.substr(0, s.end));
  return s;
}

std::string into_file(std::string_view text, const Statement& s, std::string_view path, std::string_view format,
                      std::string_view compression) {
  const size_t at = s.has_format ? s.format_at : s.end;
  std::string out(text.substr(0, at));
  out += "\nINTO OUTFILE '" + std::string(path) + "' TRUNCATE COMPRESSION '" + std::string(compression) + "'\n";
  if (s.has_format)
    out += text.substr(at, s.end - at);
  else
    out += "FORMAT `" + std::string(format) + "`";
  return out;
}

std::string from_file(std::string_view text, const Statement& s, std::string_view path, std::string_view compression) {
  std::string out(text.substr(0, s.source_at));
  out += "\nFROM INFILE '" + std::string(path) + "' COMPRESSION '" + std::string(compression) + "'\n";
  if (s.has_format) return out += text.substr(s.source_at, s.end - s.source_at);
  const std::string_view settings =
      trim(text.substr(s.source_at, s.end - std::string_view("VALUES").size() - s.source_at));
  return out += std::string(settings) + "\nFORMAT Values";
}

std::string kill_by_client_id(std::string_view text, const Statement& statement) {
  std::string out;
  size_t copied = 0;
  Lexer lexer(text.substr(0, statement.end));
  while (const auto token = lexer.next()) {
    if (token->kind != TokenKind::kWord && token->kind != TokenKind::kQuotedName) continue;
    if (to_lower_ascii(unquoted(text.substr(token->begin, token->end - token->begin))) != "query_id") continue;
    out += text.substr(copied, token->begin - copied);
    out += "Settings['log_comment']";
    copied = token->end;
  }
  return out += text.substr(copied, statement.end - copied);
}

}  // namespace dalgona::warehouse::embedded
