#include "insights/text_line.h"

#include <gtest/gtest.h>

#include "base/errors.h"

namespace dalgona::insights {
namespace {

std::string said(TextLineReader& reader, std::string_view line) {
  try {
    reader.read(line);
    return "";
  } catch (const InvalidInput& e) {
    return e.what();
  }
}

TEST(TextLine, TextAndId) {
  TextLineReader reader("text", "id");
  const auto row = reader.read(R"({"id": "a\"b", "x": [1], "text": "caf\u00e9"})");
  EXPECT_EQ(row.text, "café");
  EXPECT_EQ(row.id, R"("a\"b")");
  EXPECT_EQ(reader.read(R"({"text":"","id":7})").id, "7");
  EXPECT_EQ(reader.read(R"({"text":""})").id, "");
  EXPECT_EQ(reader.read(R"({"text":"","id":{"no":"id"}})").id, "");
  EXPECT_EQ(reader.read("{\"text\":\"a\\u0000b\"}").text, std::string_view("a\0b", 3));
}

TEST(TextLine, BadLinesSayWhatIsWrongAndTheNextIsRead) {
  TextLineReader reader("caption", "id");
  for (const std::string& line :
       {std::string(), std::string("  "), std::string("{"), std::string(R"({"caption":"x")"),
        std::string(R"({"caption":"x"}})"), std::string(R"({"caption":"x)"), std::string("\xFF"),
        std::string("{\"caption\":\"\xC0\"}"), std::string("{\0}", 3), std::string(100'000, '['), std::string("'x'")})
    EXPECT_TRUE(said(reader, line).starts_with("not JSON")) << line.substr(0, 40) << " " << said(reader, line);
  EXPECT_EQ(said(reader, R"(["caption"])"), "not a JSON object");
  EXPECT_EQ(said(reader, R"({"text":"x"})"), "no text in field 'caption'");
  EXPECT_EQ(said(reader, R"({"caption":null})"), "no text in field 'caption'");
  EXPECT_EQ(said(reader, R"({"caption":7})"), "no text in field 'caption'");
  EXPECT_EQ(said(reader, R"({"caption":"x"})"), "");
}

}  // namespace
}  // namespace dalgona::insights
