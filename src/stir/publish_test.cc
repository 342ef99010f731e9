#include "stir/publish.h"

#include <random>

#include <gtest/gtest.h>

namespace dalgona::stir {
namespace {

// What COPY's text format makes of a line: a backslash and what follows stand for one character.
std::string copied(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      EXPECT_EQ(text[i + 1], '\\') << "COPY would turn \\" << text[i + 1] << " into something else";
      ++i;
    }
    out += text[i];
  }
  return out;
}

std::string in_pieces(const std::string& line, std::mt19937& random) {
  CopyLines lines;
  std::string out;
  for (size_t at = 0; at < line.size();) {
    const size_t size = std::uniform_int_distribution<size_t>(1, 5)(random);
    out += lines.take(std::string_view(line).substr(at, size));
    at += size;
  }
  return out;
}

TEST(CopyLines, JsonComesOutOfCopyAsItWentIn) {
  const std::string json = R"({"a": "back\\slash \n \t \" \u00e9 \\u0000 \\\\n"})"
                           "\n";
  CopyLines lines;
  EXPECT_EQ(copied(lines.take(json)), json);
}

TEST(CopyLines, NulBecomesTheReplacementCharacter) {
  CopyLines lines;
  EXPECT_EQ(lines.take("{\"a\": \"x\\u0000y\\u0001\"}\n"), "{\"a\": \"x\xef\xbf\xbdy\\\\u0001\"}\n");
}

// The law: cut anywhere, lines of JSON strings come out the same, but for NUL.
TEST(CopyLines, CutsMakeNoDifference) {
  std::mt19937 random(11);
  const std::vector<std::string> parts{"\\\\",    "\\n",    "\\t", "\\\"",  "\\u0000",          "\\u00e9",
                                       "\\u0001", "\\u000", "a",   "u0000", "\xf0\x9f\x98\x80", "\\/",
                                       "0"};
  for (int round = 0; round < 2000; ++round) {
    std::string line = "\"", expected = "\"";
    const int count = std::uniform_int_distribution<int>(0, 12)(random);
    for (int i = 0; i < count; ++i) {
      std::string part = parts[std::uniform_int_distribution<size_t>(0, parts.size() - 1)(random)];
      if (part == "\\u000") part += "b";
      line += part;
      expected += part == "\\u0000" ? "\xef\xbf\xbd" : part;
    }
    line += "\"\n";
    expected += "\"\n";
    EXPECT_EQ(copied(in_pieces(line, random)), expected) << line;
  }
}

}  // namespace
}  // namespace dalgona::stir
