#include "event_grpc/delivery.h"

#include <cerrno>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/text.h"

namespace dalgona::event_grpc {

std::string headers_json(const amqp::Properties& p) {
  boost::json::object out;
  for (const auto& [key, value] : p.headers)
    out[to_utf8_lossy(key)] = std::visit(
        [](const auto& v) -> boost::json::value {
          if constexpr (std::is_same_v<std::decay_t<decltype(v)>, std::string>)
            return boost::json::string(to_utf8_lossy(v));
          else
            return v;
        },
        value);
  const auto put = [&](const char* name, const std::string& value) {
    if (!value.empty()) out[name] = to_utf8_lossy(value);
  };
  put("message_id", p.message_id);
  put("type", p.type);
  put("content_type", p.content_type);
  put("content_encoding", p.content_encoding);
  put("app_id", p.app_id);
  return boost::json::serialize(out);
}

int64_t number_header(const amqp::Properties& p, const char* name) {
  const auto at = p.headers.find(name);
  if (at == p.headers.end()) return 0;
  const auto* n = std::get_if<int64_t>(&at->second);
  return n ? *n : 0;
}

std::optional<std::string> text_header(const amqp::Properties& p, const char* name) {
  const auto at = p.headers.find(name);
  if (at == p.headers.end()) return {};
  const auto* text = std::get_if<std::string>(&at->second);
  return text ? std::optional(*text) : std::nullopt;
}

bool is_ndjson(std::string_view content_type) {
  return content_type.find("ndjson") != content_type.npos || content_type.find("jsonl") != content_type.npos;
}

EventFd::EventFd() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (fd_ < 0) throw Retryable(fmt::format("eventfd: {}", std::strerror(errno)));
}
EventFd::~EventFd() {
  ::close(fd_);
}
void EventFd::ring() const {
  const uint64_t one = 1;
  [[maybe_unused]] const auto put = ::write(fd_, &one, sizeof one);
}
void EventFd::quiet() const {
  uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(fd_, &count, sizeof count);
}

}  // namespace dalgona::event_grpc
