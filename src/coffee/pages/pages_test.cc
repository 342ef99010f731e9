#include "coffee/pages/pages.h"

#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>

#include "base/http/coding.h"
#include "base/resources.h"

namespace dalgona::coffee {
namespace {

namespace fs = std::filesystem;

class PagesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "coffee-pages-XXXXXX").string();
    ASSERT_TRUE(::mkdtemp(name.data()));
    root_ = name;
    dist_ = root_ / "dist";
    fs::create_directories(dist_ / "assets");
    write_file(root_ / "secret.txt", "secret");
    write_file(dist_ / "index.html", "<!doctype html>" + std::string(2000, ' '));
    write_file(dist_ / "assets/index-BxW3k9_f.js", "let a = 1;" + std::string(5000, ';'));
    write_file(dist_ / "robots.txt", "x");
    fs::create_symlink(root_ / "secret.txt", dist_ / "leak.txt");
  }
  void TearDown() override { fs::remove_all(root_); }
  http::Response get(const std::string& path, http::Headers headers = {}) const {
    http::Request request;
    request.path = path;
    request.headers = std::move(headers);
    return page_response(Bundle::read(dist_), request, "policy");
  }
  static std::string body(const http::Response& response) { return std::get<std::string>(response.body); }
  fs::path root_, dist_;
};

TEST_F(PagesTest, FilesPlacesAndNothingElse) {
  EXPECT_EQ(get("/").status, 200);
  EXPECT_EQ(get("/creator/UC1").headers.get_or("Content-Type", ""), "text/html; charset=utf-8");
  EXPECT_EQ(get("/robots.txt").status, 200);
  for (const char* path : {"/assets/gone-12345678.js", "/../secret.txt", "/assets/../../secret.txt", "//etc/passwd.txt",
                           "/leak.txt", "/favicon.ico"})
    EXPECT_EQ(get(path).status, 404) << path;
}

TEST_F(PagesTest, HashedFilesAreForEverAndTheIndexIsAskedFor) {
  EXPECT_EQ(get("/assets/index-BxW3k9_f.js").headers.get_or("Cache-Control", ""),
            "public, max-age=31536000, immutable");
  EXPECT_EQ(get("/").headers.get_or("Cache-Control", ""), "no-cache");
  EXPECT_EQ(get("/somewhere").headers.get_or("Cache-Control", ""), "no-cache");
  EXPECT_TRUE(is_hashed_name("assets/inter-latin-wght-normal-Dx4kXJAl.woff2"));
  EXPECT_TRUE(is_hashed_name("assets/index--a_b-c9Z.css"));
  for (const char* name : {"assets/index.js", "index-BxW3k9_f.js", "assets/short-abc.js", "assets/-12345678.js",
                           "assets/index-BxW3k9!f.js"})
    EXPECT_FALSE(is_hashed_name(name)) << name;
}

TEST_F(PagesTest, CompressedFormsDecodeToTheFileAndHaveTheirOwnTags) {
  const std::string plain = body(get("/"));
  const auto plain_tag = get("/").headers.get("ETag");
  for (const char* coding : {"gzip", "zstd"}) {
    const auto packed = get("/", {{"Accept-Encoding", coding}});
    EXPECT_EQ(packed.headers.get_or("Content-Encoding", ""), coding);
    EXPECT_EQ(packed.headers.get_or("Vary", ""), "Accept-Encoding");
    EXPECT_NE(packed.headers.get("ETag"), plain_tag);
    http::Decoder decoder(*http::coding_of(coding));
    const std::string bytes = body(packed);
    std::string_view in = bytes;
    std::string out;
    while (decoder.decode(in, out, 1 << 20)) {
    }
    EXPECT_EQ(out, plain);
    EXPECT_EQ(get("/", {{"Accept-Encoding", coding}, {"If-None-Match", *packed.headers.get("ETag")}}).status, 304);
  }
  EXPECT_EQ(get("/", {{"If-None-Match", "\"other\", W/" + *plain_tag}}).status, 304);
  EXPECT_EQ(get("/", {{"If-None-Match", "\"other\""}}).status, 200);
  EXPECT_TRUE(none_match_has("*", "\"x\""));
}

TEST_F(PagesTest, EveryAnswerHasTheSecurityHeaders) {
  for (const char* path : {"/", "/assets/index-BxW3k9_f.js", "/gone.js"})
    for (const char* name : {"Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy",
                             "Cross-Origin-Opener-Policy"})
      EXPECT_TRUE(get(path).headers.get(name)) << path << name;
  const std::string policy = content_security_policy({"https://images.example"});
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  EXPECT_NE(policy.find("img-src 'self' data: https://images.example;"), std::string::npos);
}

TEST_F(PagesTest, WithoutABuildAPageSaysSoAndABuildShows) {
  fs::rename(dist_, root_ / "later");
  Pages pages(dist_);
  Time now = parse_time("2025-01-01");
  EXPECT_TRUE(pages.current(now)->empty());
  http::Request request;
  request.path = "/";
  const auto missing = page_response(*pages.current(now), request, "policy");
  EXPECT_EQ(missing.status, 503);
  EXPECT_NE(body(missing).find("web/dist"), std::string::npos);
  fs::rename(root_ / "later", dist_);
  now += std::chrono::seconds{2};
  EXPECT_EQ(page_response(*pages.current(now), request, "policy").status, 200);
  write_file(dist_ / "index.html", "second build");
  fs::last_write_time(dist_ / "index.html", fs::file_time_type::clock::now() + std::chrono::seconds{5});
  EXPECT_NE(body(page_response(*pages.current(now), request, "policy")), "second build");  // looked at a moment ago
  now += std::chrono::seconds{2};
  EXPECT_EQ(body(page_response(*pages.current(now), request, "policy")), "second build");
}

}  // namespace
}  // namespace dalgona::coffee
