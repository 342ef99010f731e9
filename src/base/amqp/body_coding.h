// Compressed message bodies, told by the property content_encoding.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "base/amqp/amqp.h"

struct LZ4F_dctx_s;  // of lz4frame.h

namespace dalgona::amqp {

// Compresses a body of some length, as one LZ4 frame with content_encoding "lz4", unless that saves less than an eighth
// or the body is coded already. Events that share a message repeat their members' names: a fifth to a third is left,
// and so much less goes through the broker, its log and its memory. LZ4 is taken for the receiver's sake.
void compress(Message& message);

// Undoes what a sender did. Used by one thread.
class BodyDecoder {
 public:
  static constexpr size_t kLongestBody = 128u << 20;  // bytes; what a broker takes of plain ones

  // lz4, zstd, gzip, deflate: the body becomes the plain one, content_encoding empty. Other values are left alone, for
  // some senders give a character set there. The body lives until the next call; Connection::kPadding readable bytes
  // follow it. Throws InvalidInput when the bytes are damaged or make more than kLongestBody; the delivery is as
  // before.
  void decode(Connection::Delivery& delivery);

 private:
  struct FreeLz4 {
    void operator()(LZ4F_dctx_s* context) const;
  };
  size_t undo_lz4(std::string_view coded);

  std::string plain_;
  std::unique_ptr<LZ4F_dctx_s, FreeLz4> lz4_;  // with its buffers, from message to message
};

// Whether it is one that decode() undoes.
bool is_known_coding(std::string_view content_encoding);

}  // namespace dalgona::amqp
