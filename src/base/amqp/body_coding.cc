#include "base/amqp/body_coding.h"

#include <memory>

#include <fmt/format.h>
#include <lz4frame.h>

#include "base/errors.h"
#include "base/http/coding.h"
#include "base/text.h"

namespace dalgona::amqp {
namespace {

constexpr std::string_view kLz4 = "lz4";
constexpr size_t kShortest = 2048;          // bytes; below that there is little to save
constexpr size_t kKeepForNext = 16u << 20;  // bytes of memory that are kept from message to message
constexpr size_t kStep = 256u << 10;        // bytes that memory grows by at least

struct FreeLz4 {
  void operator()(LZ4F_dctx* context) const { LZ4F_freeDecompressionContext(context); }
};

[[noreturn]] void damaged(std::string_view coding, std::string_view why) {
  throw InvalidInput(fmt::format("content_encoding {}: {}", coding, why));
}

void fits(std::string_view coding, uint64_t bytes) {
  if (bytes > BodyDecoder::kLongestBody)
    damaged(coding, fmt::format("makes more than {} bytes", BodyDecoder::kLongestBody));
}

// Any number of frames in a row, as the format has it. Grows `plain`, which is never cut; gives the length.
size_t undo_lz4(std::string_view coded, std::string& plain) {
  LZ4F_dctx* made = nullptr;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&made, LZ4F_VERSION))) throw std::bad_alloc();
  const std::unique_ptr<LZ4F_dctx, FreeLz4> context(made);
  size_t size = 0, wanted = 1;
  while (!coded.empty()) {
    LZ4F_frameInfo_t info{};
    size_t read = coded.size();
    wanted = LZ4F_getFrameInfo(context.get(), &info, coded.data(), &read);
    if (LZ4F_isError(wanted)) damaged(kLz4, LZ4F_getErrorName(wanted));
    coded.remove_prefix(read);
    // The length is the sender's word: it is asked for, so that all comes at once, and not relied on.
    fits(kLz4, info.contentSize);
    fits(kLz4, size + info.contentSize);
    while (wanted != 0) {
      // One byte of room is left beyond a frame of the announced length, so that its end is seen in the same call.
      const size_t room = size + std::max<size_t>(size == 0 ? info.contentSize + 1 : 0, kStep);
      if (plain.size() < room + Connection::kPadding) plain.resize(room + Connection::kPadding);
      size_t written = plain.size() - Connection::kPadding - size;
      read = coded.size();
      wanted = LZ4F_decompress(context.get(), plain.data() + size, &written, coded.data(), &read, nullptr);
      if (LZ4F_isError(wanted)) damaged(kLz4, LZ4F_getErrorName(wanted));
      coded.remove_prefix(read);
      size += written;
      fits(kLz4, size);
      if (wanted != 0 && read == 0 && written == 0) damaged(kLz4, "ends in the middle");
    }
  }
  if (wanted != 0) damaged(kLz4, "ends in the middle");
  return size;
}

size_t undo(std::string_view name, http::Coding coding, std::string_view coded, std::string& plain) {
  plain.clear();
  http::Decoder decoder(coding);
  try {
    while (decoder.decode(coded, plain, plain.size() + kStep)) fits(name, plain.size());
    decoder.finish();
  } catch (const InvalidInput& e) {
    damaged(name, e.what());
  }
  fits(name, plain.size());
  const size_t size = plain.size();
  plain.resize(size + Connection::kPadding);
  return size;
}

}  // namespace

void compress(Message& message) {
  auto& body = message.body;
  if (body.size() < kShortest || !message.properties.content_encoding.empty()) return;
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.contentSize = body.size();
  std::string coded(LZ4F_compressFrameBound(body.size(), &preferences), '\0');
  const size_t size = LZ4F_compressFrame(coded.data(), coded.size(), body.data(), body.size(), &preferences);
  if (LZ4F_isError(size) || size > body.size() / 8 * 7) return;
  body.assign(coded, 0, size);  // no longer than it need be: it may wait for long
  message.properties.content_encoding = kLz4;
}

bool is_known_coding(std::string_view content_encoding) {
  if (to_lower_ascii(content_encoding) == kLz4) return true;
  return http::coding_of(content_encoding).value_or(http::Coding::kIdentity) != http::Coding::kIdentity;
}

void BodyDecoder::decode(Connection::Delivery& delivery) {
  auto& name = delivery.properties.content_encoding;
  if (name.empty() || !is_known_coding(name)) return;
  if (plain_.capacity() > kKeepForNext) plain_ = {};
  const auto coding = http::coding_of(name);
  const size_t size = coding ? undo(name, *coding, delivery.body, plain_) : undo_lz4(delivery.body, plain_);
  delivery.body = std::string_view(plain_).substr(0, size);
  name.clear();
}

}  // namespace dalgona::amqp
