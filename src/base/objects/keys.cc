#include "base/objects/keys.h"

#include "base/text.h"

namespace dalgona::objects {

void check_key(std::string_view key) {
  if (key.empty()) throw InvalidInput("object key is empty");
  if (key.size() > 1024) throw InvalidInput("object key is longer than 1024 bytes");
  if (key.find('\0') != key.npos || !is_utf8(key)) throw InvalidInput("object key is not UTF-8 text");
  for (const auto segment : split(key, '/'))
    if (segment.empty() || segment == "." || segment == "..")
      throw InvalidInput("object key '" + std::string(key) + "' has an empty, '.' or '..' segment");
}

Task<uint64_t> Store::put_bytes(std::string key, std::string bytes, std::string content_type) {
  auto rest = std::make_shared<std::string>(std::move(bytes));
  const auto next = [rest]() -> Task<std::string> { co_return std::exchange(*rest, std::string()); };
  co_return co_await put(std::move(key), next, std::move(content_type));
}

Task<std::string> Store::get_bytes(std::string key) {
  auto whole = std::make_shared<std::string>();
  const auto piece = [whole](std::string_view bytes) -> Task<void> {
    whole->append(bytes);
    co_return;
  };
  co_await get(std::move(key), piece);
  co_return std::move(*whole);
}

}  // namespace dalgona::objects
