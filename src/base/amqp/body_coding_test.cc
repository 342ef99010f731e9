#include "base/amqp/body_coding.h"

#include <gtest/gtest.h>
#include <lz4frame.h>

#include "base/errors.h"
#include "base/http/coding.h"

namespace dalgona::amqp {
namespace {

std::string many_events() {
  std::string text;
  for (int i = 0; i < 500; ++i)
    text += "{\"event_id\":" + std::to_string(i * 7919) + ",\"metrics\":{\"followers\":" + std::to_string(i) + "}}\n";
  return text;
}

// `announce`: with the length in the frame.
std::string lz4_of(const std::string& text, bool announce) {
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.contentSize = announce ? text.size() : 0;
  std::string out(LZ4F_compressFrameBound(text.size(), &preferences), '\0');
  out.resize(LZ4F_compressFrame(out.data(), out.size(), text.data(), text.size(), &preferences));
  return out;
}

Connection::Delivery delivery(std::string_view body, const std::string& coding) {
  Connection::Delivery d;
  d.body = body;
  d.properties.content_encoding = coding;
  return d;
}

std::string decoded(BodyDecoder& decoder, std::string_view body, const std::string& coding) {
  auto d = delivery(body, coding);
  decoder.decode(d);
  EXPECT_EQ(d.properties.content_encoding, "");
  return std::string(d.body);
}

std::string refusal(std::string_view body, const std::string& coding) {
  BodyDecoder decoder;
  auto d = delivery(body, coding);
  try {
    decoder.decode(d);
  } catch (const InvalidInput& e) {
    EXPECT_EQ(d.body.data(), body.data());
    EXPECT_EQ(d.properties.content_encoding, coding);
    return e.what();
  }
  return "";
}

TEST(BodyCoding, ComesBackByteForByte) {
  BodyDecoder decoder;
  const std::string text = many_events();
  Message message{"x", "k", text, {}};
  compress(message);
  EXPECT_EQ(message.properties.content_encoding, "lz4");
  EXPECT_LT(message.body.size(), text.size() / 2);
  EXPECT_EQ(decoded(decoder, message.body, "lz4"), text);
  EXPECT_EQ(decoded(decoder, message.body, "LZ4"), text);
  const std::string once = message.body;
  compress(message);  // is coded already
  EXPECT_EQ(message.body, once);
}

TEST(BodyCoding, LeavesWhatGainsNothing) {
  Message brief{"x", "k", std::string(1000, 'a'), {}};
  compress(brief);
  EXPECT_EQ(brief.body, std::string(1000, 'a'));
  EXPECT_EQ(brief.properties.content_encoding, "");
  std::string chance(100'000, '\0');
  uint64_t state = 1;
  for (auto& c : chance) c = char((state = state * 6364136223846793005u + 1442695040888963407u) >> 56);
  Message random{"x", "k", chance, {}};
  compress(random);
  EXPECT_EQ(random.body, chance);
  EXPECT_EQ(random.properties.content_encoding, "");
}

TEST(BodyCoding, UndoesWhatOthersSend) {
  BodyDecoder decoder;
  const std::string text = many_events() + std::string(3'000'000, 'z');
  for (const auto coding : {http::Coding::kGzip, http::Coding::kDeflate, http::Coding::kZstd}) {
    std::string coded;
    http::Encoder(coding).encode(text, coded, http::Encoder::Flush::kEnd);
    EXPECT_EQ(decoded(decoder, coded, std::string(http::name_of(coding))), text) << http::name_of(coding);
  }
  EXPECT_EQ(decoded(decoder, lz4_of(text, false), "lz4"), text);
  EXPECT_EQ(decoded(decoder, lz4_of(text, true) + lz4_of("more", false), "lz4"), text + "more");
  EXPECT_EQ(decoded(decoder, lz4_of("", false), "lz4"), "");
}

TEST(BodyCoding, LeavesCharacterSetsAndUnknownCodingsAlone) {
  BodyDecoder decoder;
  for (const char* name : {"", "utf-8", "identity", "br"}) {
    auto d = delivery("{}", name);
    decoder.decode(d);
    EXPECT_EQ(d.body, "{}");
    EXPECT_EQ(d.properties.content_encoding, name);
  }
}

TEST(BodyCoding, RefusesWhatIsDamaged) {
  const std::string text = many_events(), good = lz4_of(text, true);
  EXPECT_NE(refusal("", "lz4"), "");
  EXPECT_NE(refusal("{\"a\":1}", "lz4"), "");
  EXPECT_NE(refusal("{\"a\":1}", "zstd"), "");
  EXPECT_NE(refusal(good + "x", "lz4"), "");
  for (size_t cut = 0; cut < good.size(); cut += cut < 40 ? 1 : 97)
    EXPECT_NE(refusal(std::string_view(good).substr(0, cut), "lz4"), "") << cut;
  // And leaves nothing behind for the next one.
  BodyDecoder decoder;
  auto half = delivery(std::string_view(good).substr(0, good.size() / 2), "lz4");
  EXPECT_THROW(decoder.decode(half), InvalidInput);
  EXPECT_EQ(decoded(decoder, good, "lz4"), text);
}

TEST(BodyCoding, HasAnEnd) {
  const std::string bomb = lz4_of(std::string(BodyDecoder::kLongestBody + 1, '\0'), false);
  EXPECT_LT(bomb.size(), 1u << 20);
  EXPECT_NE(refusal(bomb, "lz4").find("makes more than"), std::string::npos);
  std::string lies = lz4_of(many_events(), true);
  for (size_t i = 6; i < 14; ++i) lies[i] = '\x7f';  // the announced length
  EXPECT_NE(refusal(lies, "lz4"), "");
  BodyDecoder decoder;
  EXPECT_EQ(decoded(decoder, lz4_of(std::string(BodyDecoder::kLongestBody, '\0'), true), "lz4").size(),
            BodyDecoder::kLongestBody);
  EXPECT_EQ(decoded(decoder, lz4_of("small", true), "lz4"), "small");
}

}  // namespace
}  // namespace dalgona::amqp
