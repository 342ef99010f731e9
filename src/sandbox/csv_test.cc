#include "sandbox/csv.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dalgona::sandbox {
namespace {

using testing::ElementsAre;

std::vector<std::vector<std::string>> all(std::string_view text) {
  std::vector<std::vector<std::string>> rows;
  CsvReader reader(text);
  CsvRecord record;
  while (reader.next(record)) rows.push_back(record.cells);
  return rows;
}

TEST(Csv, ReadsQuotesLineBreaksAndEveryLineEnding) {
  EXPECT_THAT(all("a,b\r\n\"x,\"\"y\"\"\",\"1\n2\"\nlast,"),
              ElementsAre(ElementsAre("a", "b"), ElementsAre("x,\"y\"", "1\n2"), ElementsAre("last", "")));
  EXPECT_THAT(all("\xEF\xBB\xBFid\rv\r"), ElementsAre(ElementsAre("id"), ElementsAre("v")));
  EXPECT_THAT(all("\n\r\n\na\n\n"), ElementsAre(ElementsAre("a")));
  EXPECT_THAT(all(""), ElementsAre());
  EXPECT_THAT(all("\"\",\n"), ElementsAre(ElementsAre("", "")));
}

TEST(Csv, AQuoteInTheMiddleOfAFieldIsACharacter) {
  EXPECT_THAT(all("5\" disk,a\"b\"\nx,\"q\"z\n"),
              ElementsAre(ElementsAre("5\" disk", "a\"b\""), ElementsAre("x", "qz")));
}

TEST(Csv, ATheLineCountsThroughQuotedLineBreaks) {
  CsvReader reader("h\n\"a\nb\r\nc\"\nlast\n");
  CsvRecord record;
  std::vector<size_t> lines;
  while (reader.next(record)) lines.push_back(record.line);
  EXPECT_THAT(lines, ElementsAre(1, 2, 5));
}

TEST(Csv, AnOpenQuoteCostsItsLineOnly) {
  CsvReader reader("h\nx,\"open\na,b\nc,d\n");
  CsvRecord record;
  std::vector<std::pair<size_t, bool>> seen;
  while (reader.next(record)) seen.emplace_back(record.line, record.unterminated);
  EXPECT_THAT(seen, ElementsAre(std::pair(1, false), std::pair(2, true), std::pair(3, false), std::pair(4, false)));
  // The same when the text goes on for longer than a record may be.
  std::string text = "x,\"open\n";
  for (int i = 0; i < 40'000; ++i) text += "a,b\n";
  text += "\",end\n";
  CsvReader long_reader(text);
  size_t count = 0;
  while (long_reader.next(record)) ++count;
  EXPECT_EQ(count, 40'002u);
}

TEST(Csv, ReadsWhatItsWriterWrote) {
  std::mt19937 random(7);
  const std::string_view alphabet = "ab,\"\n\r \xC3\xA9|";
  for (int round = 0; round < 300; ++round) {
    std::vector<std::vector<std::string>> rows(1 + random() % 4);
    const size_t width = 2 + random() % 4;
    std::string text;
    for (auto& row : rows) {
      for (size_t c = 0; c < width; ++c) {
        std::string cell;
        for (size_t n = random() % 12; n > 0; --n) cell += alphabet[random() % alphabet.size()];
        std::string quoted = "\"";
        for (const char ch : cell) quoted += ch == '"' ? std::string("\"\"") : std::string(1, ch);
        text += (c ? "," : "") + quoted + "\"";
        row.push_back(cell);
      }
      text += round % 2 ? "\r\n" : "\n";
    }
    EXPECT_EQ(all(text), rows) << text;
  }
}

}  // namespace
}  // namespace dalgona::sandbox
