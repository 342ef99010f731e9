// Any bytes as a message's body in any coding: decoded within its bound, or refused and left as it was. The first byte
// chooses the coding; what was compressed here comes back.
#include <array>
#include <cstdlib>

#include "base/amqp/body_coding.h"
#include "base/errors.h"

using namespace dalgona;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr std::array<const char*, 5> kCodings{"lz4", "zstd", "gzip", "deflate", "utf-8"};
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  static amqp::BodyDecoder decoder;
  amqp::Connection::Delivery delivery;
  delivery.body = bytes;
  delivery.properties.content_encoding = kCodings.at(data[0] % kCodings.size());
  const std::string coding = delivery.properties.content_encoding;
  try {
    decoder.decode(delivery);
    if (delivery.body.size() > amqp::BodyDecoder::kLongestBody) std::abort();
  } catch (const InvalidInput&) {
    if (delivery.body.data() != bytes.data() || delivery.properties.content_encoding != coding) std::abort();
  }
  amqp::Message message;
  for (int i = 0; i < 8; ++i) message.body.append(bytes);
  const std::string plain = message.body;
  amqp::compress(message);
  amqp::Connection::Delivery ours;
  ours.body = message.body;
  ours.properties.content_encoding = message.properties.content_encoding;
  decoder.decode(ours);
  if (ours.body != plain) std::abort();
  return 0;
}
