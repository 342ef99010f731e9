#include "base/amqp/body_coding.h"

#include <algorithm>
#include <new>

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

constexpr size_t kMostOfLz4 = 255;  // plain bytes of a coded one: what a byte of a length can add at most

[[noreturn]] void damaged(std::string_view coding, std::string_view why) {
  throw InvalidInput(fmt::format("content_encoding {}: {}", coding, why));
}

void fits(std::string_view coding, uint64_t bytes) {
  if (bytes > BodyDecoder::kLongestBody)
    damaged(coding, fmt::format("makes more than {} bytes", BodyDecoder::kLongestBody));
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

void BodyDecoder::FreeLz4::operator()(LZ4F_dctx_s* context) const {
  LZ4F_freeDecompressionContext(context);
}

// Any number of frames in a row, as the format has it. Grows `plain_`, which is never cut; gives the length.
size_t BodyDecoder::undo_lz4(std::string_view coded) {
  if (!lz4_) {
    LZ4F_dctx* made = nullptr;
    if (LZ4F_isError(LZ4F_createDecompressionContext(&made, LZ4F_VERSION))) throw std::bad_alloc();
    lz4_.reset(made);
  }
  LZ4F_resetDecompressionContext(lz4_.get());  // a damaged message may have left it in the middle
  size_t size = 0, wanted = 1;
  while (!coded.empty()) {
    LZ4F_frameInfo_t info{};
    size_t read = coded.size();
    wanted = LZ4F_getFrameInfo(lz4_.get(), &info, coded.data(), &read);
    if (LZ4F_isError(wanted)) damaged(kLz4, LZ4F_getErrorName(wanted));
    coded.remove_prefix(read);
    fits(kLz4, info.contentSize);
    fits(kLz4, size + info.contentSize);
    // The announced length is asked for, so that all comes at once; but it is the sender's word, so no more than such a
    // message can make. One byte beyond, so that the frame's end is seen in the same call.
    size_t room = size + std::max<size_t>(std::min<size_t>(info.contentSize, kMostOfLz4 * coded.size()) + 1, kStep);
    while (wanted != 0) {
      if (plain_.size() < room + Connection::kPadding) plain_.resize(room + Connection::kPadding);
      size_t written = plain_.size() - Connection::kPadding - size;
      read = coded.size();
      wanted = LZ4F_decompress(lz4_.get(), plain_.data() + size, &written, coded.data(), &read, nullptr);
      if (LZ4F_isError(wanted)) damaged(kLz4, LZ4F_getErrorName(wanted));
      coded.remove_prefix(read);
      size += written;
      fits(kLz4, size);
      if (wanted != 0 && read == 0 && written == 0) damaged(kLz4, "ends in the middle");
      room = size + kStep;
    }
  }
  if (wanted != 0) damaged(kLz4, "ends in the middle");
  return size;
}

void BodyDecoder::decode(Connection::Delivery& delivery) {
  auto& name = delivery.properties.content_encoding;
  if (name.empty() || !is_known_coding(name)) return;
  if (plain_.capacity() > kKeepForNext) plain_ = {};
  const auto coding = http::coding_of(name);
  const size_t size = coding ? undo(name, *coding, delivery.body, plain_) : undo_lz4(delivery.body);
  delivery.body = std::string_view(plain_).substr(0, size);
  name.clear();
}

}  // namespace dalgona::amqp
