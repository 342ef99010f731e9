// Beast's incremental HTTP/1 parser, turned into our own types. Private to this room.
#pragma once
#include <string>

#include <boost/beast/http/basic_parser.hpp>

#include "base/http/message.h"

namespace dalgona::http {

// Feed with put(). After the header, body bytes gather in body() until the caller takes them.
class RequestParser : public boost::beast::http::basic_parser<true> {
 public:
  explicit RequestParser(uint32_t max_header) {
    header_limit(max_header);
    body_limit(boost::none);  // counted by whoever takes the body
  }
  const std::string& method() const { return method_; }
  const std::string& target() const { return target_; }
  int version() const { return version_; }  // 10 or 11
  Headers& headers() { return headers_; }
  std::string& body() { return body_; }

 private:
  using error_code = boost::beast::error_code;
  using verb = boost::beast::http::verb;
  using field = boost::beast::http::field;
  using string_view = boost::beast::string_view;

  void on_request_impl(verb, string_view method, string_view target, int version, error_code& ec) override {
    ec = {};
    method_.assign(method.data(), method.size());
    target_.assign(target.data(), target.size());
    version_ = version;
  }
  void on_response_impl(int, string_view, int, error_code& ec) override { ec = {}; }
  void on_field_impl(field, string_view name, string_view value, error_code& ec) override {
    ec = {};
    if (++fields_ > kMaxFields)
      ec = boost::beast::http::error::header_limit;
    else
      headers_.add(std::string(name), std::string(value));
  }
  void on_header_impl(error_code& ec) override { ec = {}; }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code& ec) override { ec = {}; }
  std::size_t on_body_impl(string_view piece, error_code& ec) override {
    ec = {};
    body_.append(piece.data(), piece.size());
    return piece.size();
  }
  void on_chunk_header_impl(std::uint64_t, string_view, error_code& ec) override { ec = {}; }
  std::size_t on_chunk_body_impl(std::uint64_t, string_view piece, error_code& ec) override {
    ec = {};
    body_.append(piece.data(), piece.size());
    return piece.size();
  }
  void on_finish_impl(error_code& ec) override { ec = {}; }

  static constexpr int kMaxFields = 500;
  int fields_ = 0;
  std::string method_, target_;
  int version_ = 11;
  Headers headers_;
  std::string body_;
};

}  // namespace dalgona::http
