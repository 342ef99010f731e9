#include "base/objects/objects.h"

#include <boost/asio/thread_pool.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "base/objects/keys.h"

namespace dalgona::objects {
namespace {
namespace fs = std::filesystem;

class FileStoreTest : public testing::Test {
 protected:
  FileStoreTest() {
    std::string pattern = (fs::temp_directory_path() / "objects.XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    store_ = open_file_store(folder_ / "deep" / "store", pool_);
  }
  ~FileStoreTest() override {
    pool_.join();
    fs::remove_all(folder_);
  }
  template <typename T>
  static T run(Task<T> task) {
    return run_alone<T>([&](asio::io_context&) { return std::move(task); });
  }

  asio::thread_pool pool_{2};
  fs::path folder_;
  std::unique_ptr<Store> store_;
};

TEST_F(FileStoreTest, GivesBackWhatWasPut) {
  std::string bytes(3 << 20, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = char(i * 31 + i / 257);
  EXPECT_EQ(run(store_->put_bytes("a/b/с пробелом.json", bytes, "application/json")), bytes.size());
  EXPECT_EQ(run(store_->get_bytes("a/b/с пробелом.json")), bytes);
  EXPECT_EQ(run(store_->head("a/b/с пробелом.json"))->size, bytes.size());
  run(store_->put_bytes("a/b/с пробелом.json", "new", ""));
  EXPECT_EQ(run(store_->get_bytes("a/b/с пробелом.json")), "new");
  EXPECT_EQ(run(store_->put_bytes("empty", "", "")), 0u);
  EXPECT_EQ(run(store_->get_bytes("empty")), "");
}

TEST_F(FileStoreTest, ListsByPrefixInOrder) {
  EXPECT_TRUE(run(store_->list("")).empty());
  for (const char* key : {"b", "a/2", "a/10", "ab/1"}) run(store_->put_bytes(key, key, ""));
  std::vector<std::string> keys;
  for (const auto& info : run(store_->list("a"))) keys.push_back(info.key);
  EXPECT_THAT(keys, testing::ElementsAre("a/10", "a/2", "ab/1"));
  EXPECT_EQ(run(store_->list("a/")).size(), 2u);
  EXPECT_EQ(run(store_->list("")).size(), 4u);
}

TEST_F(FileStoreTest, RefusesKeysThatLeaveTheFolder) {
  using namespace std::string_literals;
  for (const auto& key : {""s, "/etc/passwd"s, "../x"s, "a/../../x"s, "a//b"s, "a/"s, "."s, "a\0b"s, "\xff"s,
                          ".uploads/1"s, std::string(1025, 'k')}) {
    EXPECT_THROW(run(store_->put_bytes(key, "x", "")), InvalidInput) << key;
    EXPECT_THROW(run(store_->get_bytes(key)), InvalidInput) << key;
    EXPECT_THROW(run(store_->remove(key)), InvalidInput) << key;
  }
  EXPECT_FALSE(fs::exists(folder_ / "deep" / "x"));
}

TEST_F(FileStoreTest, AFailedPutLeavesTheOldObjectAndNoRest) {
  run(store_->put_bytes("key", "old", ""));
  int pieces = 0;
  EXPECT_THROW(run(store_->put(
                   "key",
                   [&]() -> Task<std::string> {
                     if (++pieces == 3) throw Retryable("source went away");
                     co_return "new";
                   },
                   "")),
               Retryable);
  EXPECT_EQ(run(store_->get_bytes("key")), "old");
  EXPECT_TRUE(fs::is_empty(folder_ / "deep" / "store" / ".uploads"));
}

TEST_F(FileStoreTest, RemovesAndSaysWhatIsMissing) {
  EXPECT_FALSE(run(store_->head("gone")));
  EXPECT_THROW(run(store_->get_bytes("gone")), InvalidInput);
  run(store_->put_bytes("folder/gone", "x", ""));
  EXPECT_FALSE(run(store_->head("folder")));
  EXPECT_THROW(run(store_->get_bytes("folder")), InvalidInput);
  EXPECT_FALSE(run(store_->head("folder/gone/deeper")));
  run(store_->remove("folder/gone"));
  run(store_->remove("folder/gone"));
  EXPECT_FALSE(run(store_->head("folder/gone")));
}

TEST(S3Url, IsReadWithItsEscapes) {
  const auto options = parse_s3_url("s3://AK:se%2Fcret@localhost:4568/bucket?region=eu-west-1&tls=false");
  EXPECT_EQ(options.base_url, "http://localhost:4568");
  EXPECT_EQ(options.bucket, "bucket");
  EXPECT_EQ(options.access_key, "AK");
  EXPECT_EQ(options.secret_key, "se/cret");
  EXPECT_EQ(options.region, "eu-west-1");
  EXPECT_EQ(parse_s3_url("s3://a:b@s3.example.com/x").base_url, "https://s3.example.com");
  for (const char* bad : {"s3://host/bucket", "s3://a:b@host/", "s3://a:b@host/x/y", "s3://a:b@host/x?tls=maybe",
                          "http://a:b@host/x", "s3://a:b@host/x?zone=1"})
    EXPECT_THROW(parse_s3_url(bad), InvalidInput) << bad;
}

}  // namespace
}  // namespace dalgona::objects
