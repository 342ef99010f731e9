// What SQL of `dalgona warehouse` can read and write of the machine's files.
#include <filesystem>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/resources.h"
#include "base/text.h"
#include "support/test_home.h"
#include "support/warehouse_http.h"

namespace dalgona::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class WarehouseFiles : public testing::Test {
 protected:
  void SetUp() override {
    if (::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION) < 2)
      GTEST_SKIP() << "skipped: this kernel has no Landlock, or one too old";
  }
  // How many lines file() gives of a path, or what it says.
  static std::string lines(WarehouseHttp& warehouse, const fs::path& path) {
    return warehouse.post(fmt::format("SELECT count() FROM file('{}', LineAsString)", path.string())).body;
  }
};

TEST_F(WarehouseFiles, SqlReadsAndWritesNoneButTheWarehousesOwn) {
  auto& home = TestHome::shared();
  WarehouseHttp warehouse(home.warehouse_url());
  const fs::path secret = home.path() / "secret.yaml", made = home.path() / "made.csv";
  write_file(secret, "password: x\n", 0600);
  for (const fs::path& path : {secret, fs::path("/etc/passwd"), fs::path("/etc/shadow")})
    EXPECT_THAT(lines(warehouse, path), HasSubstr("DB::")) << path;
  EXPECT_THAT(lines(warehouse, secret), HasSubstr("Permission denied"));
  EXPECT_NE(
      warehouse.post(fmt::format("INSERT INTO FUNCTION file('{}', CSV, 'x Int64') SELECT 1", made.string())).status,
      200);
  EXPECT_FALSE(fs::exists(made));
  // Another process's environment.
  EXPECT_THAT(lines(warehouse, fmt::format("/proc/{}/environ", ::getpid())), HasSubstr("DB::"));
  // Links do not lead out.
  const fs::path link = home.path() / "warehouse" / "link.yaml";
  fs::create_symlink(secret, link);
  EXPECT_THAT(lines(warehouse, link), HasSubstr("DB::"));
  fs::remove(link);
}

TEST_F(WarehouseFiles, ANamedFolderCanBeReadAndNotWritten) {
  TestHome home;
  const fs::path folder = home.path() / "given";
  fs::create_directories(folder);
  write_file(folder / "a.csv", "1\n2\n");
  Role role = home.start_role("warehouse", {{"warehouse.readable", "[" + folder.string() + "]"}});
  WarehouseHttp warehouse(role.url());
  EXPECT_EQ(trim(lines(warehouse, folder / "a.csv")), "2");
  EXPECT_NE(
      warehouse
          .post(fmt::format("INSERT INTO FUNCTION file('{}', CSV, 'x Int64') SELECT 1", (folder / "b.csv").string()))
          .status,
      200);
  EXPECT_FALSE(fs::exists(folder / "b.csv"));
  EXPECT_EQ(role.stop(), 0);
}

}  // namespace
}  // namespace dalgona::test
