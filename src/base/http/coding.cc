#include "base/http/coding.h"

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include <zlib.h>
#include <zstd.h>

#include "base/errors.h"
#include "base/text.h"

namespace dalgona::http {
namespace {

constexpr size_t kStep = 64 * 1024;
// Speed before size: these are answered live.
constexpr int kGzipLevel = 4;
constexpr int kZstdLevel = 3;

// Makes room for one step at the end of `out` and cuts it to what `fill` says it has written.
template <typename F>
void grow(std::string& out, F fill) {
  const size_t before = out.size();
  out.resize(before + kStep);
  size_t written = 0;
  try {
    written = fill(out.data() + before, kStep);
  } catch (...) {
    out.resize(before);
    throw;
  }
  out.resize(before + written);
}

double quality(std::string_view parameters) {
  for (std::string_view parameter : split(parameters, ';')) {
    parameter = trim(parameter);
    if (parameter.size() < 2 || (parameter[0] != 'q' && parameter[0] != 'Q') || parameter[1] != '=') continue;
    double value = 0;
    const auto result = std::from_chars(parameter.data() + 2, parameter.data() + parameter.size(), value);
    return result.ec == std::errc() ? value : 0;
  }
  return 1;
}

}  // namespace

std::optional<Coding> coding_of(std::string_view name) {
  const std::string lower = to_lower_ascii(trim(name));
  if (lower.empty() || lower == "identity") return Coding::kIdentity;
  if (lower == "gzip" || lower == "x-gzip") return Coding::kGzip;
  if (lower == "deflate") return Coding::kDeflate;
  if (lower == "zstd") return Coding::kZstd;
  return std::nullopt;
}

std::string_view name_of(Coding coding) {
  switch (coding) {
    case Coding::kGzip:
      return "gzip";
    case Coding::kDeflate:
      return "deflate";
    case Coding::kZstd:
      return "zstd";
    case Coding::kIdentity:
      break;
  }
  return "identity";
}

Coding preferred_coding(std::string_view accept_encoding) {
  if (trim(accept_encoding).empty()) return Coding::kIdentity;
  std::optional<double> zstd, gzip, any;
  for (const std::string_view item : split(accept_encoding, ',')) {
    const size_t semicolon = item.find(';');
    const std::string name = to_lower_ascii(trim(item.substr(0, semicolon)));
    const double q = semicolon == std::string_view::npos ? 1 : quality(item.substr(semicolon + 1));
    if (name == "zstd") zstd = q;
    if (name == "gzip" || name == "x-gzip") gzip = q;
    if (name == "*") any = q;
  }
  const double zstd_q = zstd.value_or(any.value_or(0)), gzip_q = gzip.value_or(any.value_or(0));
  if (zstd_q <= 0 && gzip_q <= 0) return Coding::kIdentity;
  return zstd_q >= gzip_q ? Coding::kZstd : Coding::kGzip;
}

struct Decoder::State {
  Coding coding;
  z_stream zlib{};
  ZSTD_DStream* zstd = nullptr;
  bool started = false;   // some input was seen
  bool complete = false;  // the last member or frame has ended
  bool raw_tried = false;

  explicit State(Coding c) : coding(c) {
    if (coding == Coding::kZstd) {
      zstd = ZSTD_createDStream();
      if (!zstd) throw std::bad_alloc();
      ZSTD_DCtx_setParameter(zstd, ZSTD_d_windowLogMax, 23);
    } else if (coding != Coding::kIdentity) {
      if (inflateInit2(&zlib, coding == Coding::kGzip ? 15 + 16 : 15) != Z_OK) throw std::bad_alloc();
    }
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (zstd) ZSTD_freeDStream(zstd);
    if (coding == Coding::kGzip || coding == Coding::kDeflate) inflateEnd(&zlib);
  }

  bool zlib_step(std::string_view& in, std::string& out) {
    if (complete) {
      if (in.empty()) return false;
      inflateReset(&zlib);
      complete = false;
    }
    bool full = false;
    grow(out, [&](char* to, size_t room) {
      const std::string_view before = in;
      const size_t take = std::min<size_t>(in.size(), 1u << 30);
      zlib.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
      zlib.avail_in = uInt(take);
      zlib.next_out = reinterpret_cast<Bytef*>(to);
      zlib.avail_out = uInt(room);
      int result = inflate(&zlib, Z_NO_FLUSH);
      if (result == Z_DATA_ERROR && coding == Coding::kDeflate && !raw_tried && zlib.total_out == 0) {
        // "deflate" means zlib's format, but senders of bare deflate exist.
        raw_tried = true;
        inflateReset2(&zlib, -15);
        zlib.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(before.data()));
        zlib.avail_in = uInt(take);
        zlib.next_out = reinterpret_cast<Bytef*>(to);
        zlib.avail_out = uInt(room);
        result = inflate(&zlib, Z_NO_FLUSH);
      }
      in.remove_prefix(take - zlib.avail_in);
      if (result == Z_STREAM_END)
        complete = true;
      else if (result != Z_OK && result != Z_BUF_ERROR)
        throw InvalidInput("the body is not " + std::string(name_of(coding)));
      full = zlib.avail_out == 0;
      return room - zlib.avail_out;
    });
    return full || !in.empty();
  }

  bool zstd_step(std::string_view& in, std::string& out) {
    if (complete && in.empty()) return false;  // asked once more, it would begin another frame
    bool full = false;
    grow(out, [&](char* to, size_t room) {
      ZSTD_inBuffer input{in.data(), in.size(), 0};
      ZSTD_outBuffer output{to, room, 0};
      const size_t result = ZSTD_decompressStream(zstd, &output, &input);
      if (ZSTD_isError(result)) throw InvalidInput(std::string("the body is not zstd: ") + ZSTD_getErrorName(result));
      in.remove_prefix(input.pos);
      complete = result == 0;
      full = output.pos == room;
      return output.pos;
    });
    return full || !in.empty();
  }
};

Decoder::Decoder(Coding coding) : state_(std::make_unique<State>(coding)) {}
Decoder::~Decoder() = default;
Decoder::Decoder(Decoder&&) noexcept = default;

bool Decoder::decode(std::string_view& in, std::string& out, size_t enough) {
  if (state_->coding == Coding::kIdentity) {
    out.append(in);
    in = {};
    return false;
  }
  if (!in.empty()) state_->started = true;
  if (!state_->started) return false;
  for (;;) {
    const bool more = state_->coding == Coding::kZstd ? state_->zstd_step(in, out) : state_->zlib_step(in, out);
    if (!more) return false;
    if (out.size() >= enough) return true;
  }
}

void Decoder::finish() {
  if (state_->coding != Coding::kIdentity && state_->started && !state_->complete)
    throw InvalidInput("the " + std::string(name_of(state_->coding)) + " body ends in the middle");
}

struct Encoder::State {
  Coding coding;
  z_stream zlib{};
  ZSTD_CStream* zstd = nullptr;

  explicit State(Coding c) : coding(c) {
    if (coding == Coding::kZstd) {
      zstd = ZSTD_createCStream();
      if (!zstd) throw std::bad_alloc();
      ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, kZstdLevel);
    } else if (coding != Coding::kIdentity) {
      if (deflateInit2(&zlib, kGzipLevel, Z_DEFLATED, coding == Coding::kGzip ? 15 + 16 : 15, 8, Z_DEFAULT_STRATEGY) !=
          Z_OK)
        throw std::bad_alloc();
    }
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (zstd) ZSTD_freeCStream(zstd);
    if (coding == Coding::kGzip || coding == Coding::kDeflate) deflateEnd(&zlib);
  }
};

Encoder::Encoder(Coding coding) : state_(std::make_unique<State>(coding)) {}
Encoder::~Encoder() = default;
Encoder::Encoder(Encoder&&) noexcept = default;

void Encoder::encode(std::string_view in, std::string& out, Flush flush) {
  if (state_->coding == Coding::kIdentity) {
    out.append(in);
    return;
  }
  if (state_->coding == Coding::kZstd) {
    const auto mode = flush == Flush::kEnd ? ZSTD_e_end : flush == Flush::kSync ? ZSTD_e_flush : ZSTD_e_continue;
    ZSTD_inBuffer input{in.data(), in.size(), 0};
    for (bool more = true; more;) {
      grow(out, [&](char* to, size_t room) {
        ZSTD_outBuffer output{to, room, 0};
        const size_t left = ZSTD_compressStream2(state_->zstd, &output, &input, mode);
        if (ZSTD_isError(left)) throw Permanent(std::string("zstd: ") + ZSTD_getErrorName(left));
        more = mode == ZSTD_e_continue ? input.pos < input.size : left != 0;
        return output.pos;
      });
    }
    return;
  }
  const int mode = flush == Flush::kEnd ? Z_FINISH : flush == Flush::kSync ? Z_SYNC_FLUSH : Z_NO_FLUSH;
  z_stream& zlib = state_->zlib;
  do {
    const size_t take = std::min<size_t>(in.size(), 1u << 30);
    zlib.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    zlib.avail_in = uInt(take);
    for (bool full = true; full;) {
      grow(out, [&](char* to, size_t room) {
        zlib.next_out = reinterpret_cast<Bytef*>(to);
        zlib.avail_out = uInt(room);
        deflate(&zlib, take == in.size() ? mode : Z_NO_FLUSH);
        full = zlib.avail_out == 0;
        return room - zlib.avail_out;
      });
    }
    in.remove_prefix(take);
  } while (!in.empty());
}

}  // namespace dalgona::http
