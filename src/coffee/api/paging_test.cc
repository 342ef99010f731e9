#include "coffee/api/paging.h"

#include <random>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "coffee/api/refusal.h"

namespace dalgona::coffee {
namespace {

http::Request request_of(std::string body, std::string type = "application/json") {
  http::Request request;
  request.body = std::move(body);
  if (!type.empty()) request.headers.set("Content-Type", type);
  return request;
}

TEST(Base64Url, IsItsOwnInverse) {
  std::mt19937 random(1);
  for (int round = 0; round < 500; ++round) {
    std::string bytes(random() % 40, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    const std::string text = encode_base64url(bytes);
    EXPECT_EQ(text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
              std::string::npos);
    EXPECT_EQ(decode_base64url(text), bytes);
  }
  // RFC 4648, section 10.
  EXPECT_EQ(encode_base64url("fooba"), "Zm9vYmE");
  // One length too many, foreign letters, bits left over: one value has one form.
  for (const char* wrong : {"A", "Zm9vYmE=", "Zm9v Yg", "Zm9vYmF"})
    EXPECT_THROW(decode_base64url(wrong), InvalidInput) << wrong;
}

TEST(Cursor, CarriesAPositionOfOneQuestion) {
  const std::string cursor = encode_cursor({{"v", "12"}, {"i", "ü\"\\"}, {"n", 7}}, "question");
  const auto position = decode_cursor(cursor, "question");
  EXPECT_EQ(cursor_text(position, "v"), "12");
  EXPECT_EQ(cursor_text(position, "i"), "ü\"\\");
  EXPECT_EQ(cursor_integer(position, "n"), 7);
  EXPECT_EQ(cursor_optional_text(position, "none"), std::nullopt);
  EXPECT_THROW(cursor_integer(position, "v"), InvalidInput);
  EXPECT_THROW(cursor_text(position, "none"), InvalidInput);
  EXPECT_THROW(decode_cursor(cursor, "another question"), InvalidInput);
  for (const std::string& wrong :
       {std::string(), std::string("e30"), std::string("W10"), cursor.substr(1), cursor + "AAAA"})
    EXPECT_THROW(decode_cursor(wrong, "question"), InvalidInput) << wrong;
}

TEST(Paging, ReadsPageSizeAndCursor) {
  const auto read = [](const std::string& text) {
    return read_paging(Body(request_of(text), {"page", "size", "cursor"}), "q");
  };
  EXPECT_EQ(read("{}").size, kDefaultPageSize);
  EXPECT_EQ(read("").offset, 0);
  EXPECT_EQ(read(R"({"page": 3, "size": 10})").offset, 20);
  EXPECT_EQ(read(R"({"page": 100, "size": 100})").offset, 9900);
  EXPECT_THROW(read(R"({"page": 101, "size": 100})"), InvalidInput);
  const std::string cursor = encode_cursor({{"n", 1}}, "q");
  EXPECT_TRUE(read(R"({"cursor": ")" + cursor + R"("})").cursor.has_value());
  EXPECT_FALSE(read(R"({"cursor": ""})").cursor.has_value());
  EXPECT_THROW(read(R"({"page": 1, "cursor": ")" + cursor + R"("})"), InvalidInput);
  for (const char* wrong : {R"({"size": 0})", R"({"size": 101})", R"({"size": "5"})", R"({"page": -1})",
                            R"({"page": 1.0})", R"({"cursor": 1})"})
    EXPECT_THROW(read(wrong), InvalidInput) << wrong;
}

TEST(BodyReader, NamesWhatIsWrong) {
  EXPECT_THROW(Body(request_of("{\"a\": 1}", "text/plain"), {"a"}), Refusal);
  EXPECT_THROW(Body(request_of("{\"a\": 1}", "multipart/form-data"), {"a"}), Refusal);
  EXPECT_NO_THROW(Body(request_of("{\"a\": 1}", "application/json; charset=utf-8"), {"a"}));
  EXPECT_NO_THROW(Body(request_of("{\"a\": 1}", ""), {"a"}));
  EXPECT_NO_THROW(Body(request_of(" \n", "text/plain"), {"a"}));
  try {
    const Body body(request_of(R"({"sizze": 1})"), {"size", "page"});
    FAIL();
  } catch (const InvalidInput& e) {
    EXPECT_STREQ(e.what(), "unknown key 'sizze', did you mean 'size'?");
  }
  EXPECT_EQ(Body(request_of(R"({"a": null})"), {"a"}).text("a"), std::nullopt);
  EXPECT_THROW(Body(request_of(R"({"a": ")" + std::string(kMaxText + 1, 'x') + "\"}"), {"a"}).text("a"), InvalidInput);
  EXPECT_THROW(Body(request_of("{\"a\": \"\xff\"}"), {"a"}), InvalidInput);
  EXPECT_THROW(Body(request_of(R"({"a": "x\u0007"})"), {"a"}).text("a"), InvalidInput);
  for (const char* wrong :
       {"2017-1-01", "2017-02-29", "0000-01-01", "2017-01-01T00:00:00Z", "2017/01/01", "", "10000-01-01"})
    EXPECT_THROW(parse_date(wrong, "date"), InvalidInput) << wrong;
  EXPECT_EQ(to_date(parse_date("2016-02-29", "date")), "2016-02-29");
}

}  // namespace
}  // namespace dalgona::coffee
