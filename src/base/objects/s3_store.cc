// Objects in an S3 bucket, path-style. The client signs each request (AWS Signature Version 4); what libcurl leaves to
// its caller is done here: queries are sent sorted and percent-encoded as they are signed, and the hash of the body is
// given, because a body is otherwise signed as empty or unsigned.
#include <charconv>

#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>
#include <fmt/format.h>
#include <openssl/evp.h>

#include "base/log.h"
#include "base/objects/keys.h"

namespace dalgona::objects {
namespace {

using boost::property_tree::ptree;

std::string sha256_hex(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

std::string encode_path(std::string_view key) {
  std::string path;
  for (const char c : key) path += c == '/' ? "/" : http::percent_encode(std::string_view(&c, 1));
  return path;
}

ptree parse_xml(const std::string& text) {
  std::istringstream stream(text);
  ptree tree;
  try {
    boost::property_tree::read_xml(stream, tree);
  } catch (const boost::property_tree::xml_parser_error& e) {
    throw Retryable(std::string("S3 answered malformed XML: ") + e.what());
  }
  return tree;
}

// The error an S3 server put into a body, as "Code: Message".
std::string error_text(const http::ClientResponse& response) {
  try {
    const ptree tree = parse_xml(response.body);
    return fmt::format("{} {}: {}", response.status, tree.get<std::string>("Error.Code"),
                       tree.get<std::string>("Error.Message", ""));
  } catch (const std::exception&) {
    return fmt::format("status {}", response.status);
  }
}

[[noreturn]] void fail(std::string_view what, const http::ClientResponse& response) {
  const auto text = fmt::format("S3 {}: {}", what, error_text(response));
  if (response.status >= 500 || response.status == 429 || response.status == 408 || response.status == 412)
    throw Retryable(text);
  throw Permanent(text);
}

class S3Store : public Store {
 public:
  S3Store(S3Options options, http::Client& client) : options_(std::move(options)), client_(client) {}

  Task<uint64_t> put(std::string key, std::function<Task<std::string>()> next, std::string content_type) override {
    check_key(key);
    uint64_t size = 0;
    bool end = false;
    std::string part = co_await read_part(next, end);
    size += part.size();
    if (end) {
      auto request = make("PUT", key, http::Query(), std::move(part));
      request.headers.add("Content-Type", content_type);
      const auto response = co_await client_.send(std::move(request));
      if (response.status != 200) fail("PUT " + key, response);
      co_return size;
    }
    auto begin = make("POST", key, parameter("uploads", ""));
    begin.headers.add("Content-Type", content_type);
    const auto begun = co_await client_.send(std::move(begin));
    if (begun.status != 200) fail("start of upload of " + key, begun);
    const std::string upload = upload_of(begun, key);
    std::exception_ptr failure;
    try {
      std::string parts;
      for (int number = 1; !part.empty(); ++number) {
        auto request = make_part(key, upload, number, std::move(part));
        const auto response = co_await client_.send(std::move(request));
        if (response.status != 200) fail("part of " + key, response);
        parts += part_xml(number, response);
        part = std::string();
        if (!end) part = co_await read_part(next, end);
        size += part.size();
      }
      auto complete = make_complete(key, upload, parts);
      const auto response = co_await client_.send(std::move(complete));
      // A completion that fails half way is answered 200 with an error in the body.
      if (response.status != 200 || response.body.find("<Error>") != std::string::npos)
        fail("end of upload of " + key, response);
    } catch (...) {
      failure = std::current_exception();
    }
    if (failure) {
      co_await abort_upload(key, upload);
      std::rethrow_exception(failure);
    }
    co_return size;
  }

  Task<void> get(std::string key, std::function<Task<void>(std::string_view)> piece) override {
    check_key(key);
    const auto found = co_await client_.send(make("HEAD", key));
    if (found.status == 404) throw InvalidInput("there is no object '" + key + "'");
    if (found.status != 200) fail("HEAD " + key, found);
    const uint64_t size = size_of(found);
    // In ranges, so that a slow reader holds back the sender and memory is bounded; If-Match keeps them of one object.
    for (uint64_t at = 0; at < size;) {
      auto request = make("GET", key);
      const uint64_t last = std::min<uint64_t>(size, at + kPartSize) - 1;
      request.headers.add("Range", fmt::format("bytes={}-{}", at, last));
      if (const auto tag = found.headers.get("ETag")) request.headers.add("If-Match", *tag);
      request.decode = false;
      const auto response = co_await client_.send(std::move(request));
      if (response.status != 206 && !(response.status == 200 && at == 0 && response.body.size() == size))
        fail("GET " + key, response);
      if (response.body.empty()) throw Retryable("S3 GET " + key + ": an empty range");
      at += response.body.size();
      co_await piece(response.body);
    }
  }

  Task<std::optional<Info>> head(std::string key) override {
    check_key(key);
    const auto response = co_await client_.send(make("HEAD", key));
    if (response.status == 404) co_return std::nullopt;
    if (response.status != 200) fail("HEAD " + key, response);
    Info info;
    info.key = key;
    info.size = size_of(response);
    co_return info;
  }

  Task<std::vector<Info>> list(std::string prefix) override {
    std::vector<Info> found;
    std::string token;
    for (;;) {
      http::Query query;
      if (!token.empty()) query.add("continuation-token", token);
      query.add("list-type", "2");
      query.add("prefix", prefix);
      const auto response = co_await client_.send(make("GET", "", query));
      if (response.status != 200) fail("list", response);
      const ptree tree = parse_xml(response.body);
      add_contents(tree, found);
      if (tree.get<std::string>("ListBucketResult.IsTruncated", "false") != "true") break;
      token = tree.get<std::string>("ListBucketResult.NextContinuationToken", "");
      if (token.empty()) throw Retryable("S3 list: truncated without a token to go on with");
    }
    std::sort(found.begin(), found.end(), [](const Info& a, const Info& b) { return a.key < b.key; });
    co_return found;
  }

  Task<void> remove(std::string key) override {
    check_key(key);
    const auto response = co_await client_.send(make("DELETE", key));
    if (response.status != 204 && response.status != 200 && response.status != 404) fail("DELETE " + key, response);
  }

 private:
  // Not a braced list: g++ 12 refuses those in coroutines ("array used as initializer").
  static http::Query parameter(std::string name, std::string value) {
    http::Query query;
    query.add(std::move(name), std::move(value));
    return query;
  }

  // `query` in the order of its names.
  http::ClientRequest make(std::string method, std::string_view key, const http::Query& query = http::Query(),
                           std::string body = std::string()) const {
    http::ClientRequest request;
    request.method = std::move(method);
    request.url = options_.base_url + "/" + encode_path(options_.bucket);
    if (!key.empty()) request.url += "/" + encode_path(key);
    std::string parameters;
    for (const auto& [name, value] : query)
      parameters += (parameters.empty() ? "?" : "&") + http::percent_encode(name) + "=" + http::percent_encode(value);
    request.url += parameters;
    request.headers.add("x-amz-content-sha256", sha256_hex(body));
    request.body = std::move(body);
    request.timeout = std::chrono::minutes{2};
    request.aws = http::ClientRequest::AwsSigV4{.access_key = options_.access_key,
                                                .secret_key = options_.secret_key,
                                                .region = options_.region,
                                                .service = "s3"};
    return request;
  }

  // These build requests outside of coroutines, for the same reason.
  static std::string upload_of(const http::ClientResponse& begun, const std::string& key) {
    auto upload = parse_xml(begun.body).get<std::string>("InitiateMultipartUploadResult.UploadId", "");
    if (upload.empty()) throw Permanent("S3 gave no UploadId for " + key);
    return upload;
  }

  http::ClientRequest make_part(const std::string& key, const std::string& upload, int number, std::string part) const {
    http::Query query = parameter("partNumber", std::to_string(number));
    query.add("uploadId", upload);
    return make("PUT", key, query, std::move(part));
  }

  static std::string part_xml(int number, const http::ClientResponse& response) {
    return fmt::format("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", number,
                       escape_xml(response.headers.get_or("ETag", "")));
  }

  http::ClientRequest make_complete(const std::string& key, const std::string& upload, const std::string& parts) const {
    auto request = make("POST", key, parameter("uploadId", upload),
                        "<CompleteMultipartUpload>" + parts + "</CompleteMultipartUpload>");
    request.headers.add("Content-Type", "application/xml");
    request.timeout = std::chrono::minutes{5};
    return request;
  }

  Task<void> abort_upload(std::string key, std::string upload) {
    auto request = make("DELETE", key, parameter("uploadId", upload));
    try {
      co_await client_.send(std::move(request));
    } catch (const std::exception& e) {
      log::warn("msg=\"upload not aborted; its parts stay in the bucket\" key={} error={}", log::quoted(key),
                log::quoted(e.what()));
    }
  }

  static void add_contents(const ptree& tree, std::vector<Info>& found) {
    const ptree none;
    for (const auto& [name, node] : tree.get_child("ListBucketResult", none))
      if (name == "Contents")
        found.push_back({.key = node.get<std::string>("Key"), .size = node.get<uint64_t>("Size", 0)});
  }

  static Task<std::string> read_part(const std::function<Task<std::string>()>& next, bool& end) {
    std::string part;
    while (part.size() < kPartSize) {
      const auto bytes = co_await next();
      if (bytes.empty()) {
        end = true;
        break;
      }
      part += bytes;
    }
    co_return part;
  }

  static uint64_t size_of(const http::ClientResponse& response) {
    const auto text = response.headers.get_or("Content-Length", "");
    uint64_t size = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), size);
    if (error != std::errc() || stop != text.data() + text.size()) throw Retryable("S3 HEAD gave no Content-Length");
    return size;
  }

  static std::string escape_xml(std::string_view text) {
    std::string out;
    for (const char c : text) {
      if (c == '&')
        out += "&amp;";
      else if (c == '<')
        out += "&lt;";
      else if (c == '>')
        out += "&gt;";
      else if (c == '"')
        out += "&quot;";
      else
        out += c;
    }
    return out;
  }

  S3Options options_;
  http::Client& client_;
};

}  // namespace

std::unique_ptr<Store> open_s3_store(S3Options options, http::Client& client) {
  return std::make_unique<S3Store>(std::move(options), client);
}

}  // namespace dalgona::objects
