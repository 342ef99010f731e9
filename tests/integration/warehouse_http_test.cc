// The ClickHouse HTTP interface of `dalgona warehouse`, request by request.
#include "support/warehouse_http.h"

#include <future>
#include <random>
#include <set>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/http/coding.h"
#include "base/text.h"
#include "support/test_home.h"
#include "warehouse/client.h"

namespace dalgona::test {
namespace {

WarehouseHttp& server() {
  static WarehouseHttp http(TestHome::shared().warehouse_url());
  return http;
}

// A table of its own, dropped at the end.
class Table {
 public:
  explicit Table(const std::string& columns, const std::string& settings = "")
      : name_(TestHome::shared().unique_name("t")) {
    server().value("CREATE TABLE " + name_ + " (" + columns + ") ENGINE = MergeTree ORDER BY tuple()" +
                   (settings.empty() ? "" : " SETTINGS " + settings));
  }
  ~Table() { server().post("DROP TABLE IF EXISTS " + name_ + " SYNC"); }
  const std::string& name() const { return name_; }
  std::string count() const { return server().value("SELECT count() FROM " + name_); }

 private:
  std::string name_;
};

std::string encoded(http::Coding coding, const std::string& text) {
  std::string out;
  http::Encoder(coding).encode(text, out, http::Encoder::Flush::kEnd);
  return out;
}

std::string decoded(http::Coding coding, std::string_view bytes) {
  std::string out;
  http::Decoder decoder(coding);
  while (decoder.decode(bytes, out, SIZE_MAX)) {
  }
  decoder.finish();
  return out;
}

TEST(WarehouseHttp, AnswersPingsAndMetrics) {
  EXPECT_EQ(server().get("/ping").body, "Ok.\n");
  EXPECT_EQ(server().get("/replicas_status").body, "Ok.\n");
  EXPECT_EQ(server().get("/").body, "Ok.\n");
  EXPECT_EQ(server().get("/heartbeat").status, 200);
  server().value("SELECT 1");
  EXPECT_NE(server().get("/metrics").body.find("dalgona_warehouse_statements_total{kind=\"select\"}"),
            std::string::npos);
  EXPECT_EQ(server().get("/nothing").status, 404);
}

TEST(WarehouseHttp, TakesTheStatementFromUrlBodyOrBoth) {
  EXPECT_EQ(server().get("/?query=SELECT%201").body, "1\n");
  EXPECT_EQ(server().value("SELECT 2"), "2");
  EXPECT_EQ(server().insert("SELECT number", "FROM numbers(2)").body, "0\n1\n");
  EXPECT_EQ(server().value("-- a comment; here\nSELECT ';' /* ; */ ; -- done\n"), ";");
  EXPECT_EQ(server().value("(SELECT 1) UNION ALL (SELECT 1)"), "1\n1");
  EXPECT_EQ(server().value("WITH 3 AS x SELECT x"), "3");
  EXPECT_EQ(server().value("FROM numbers(2) SELECT max(number)"), "1");
  EXPECT_EQ(server().value("SELECT 'FORMAT CSV', 1 AS format"), "FORMAT CSV\t1");
  EXPECT_EQ(exception_code(server().post("")), 62);
  EXPECT_EQ(exception_code(server().post("SELECT 1; SELECT 2")), 62);
  EXPECT_EQ(exception_code(server().post("SELECT 'unclosed")), 62);
}

TEST(WarehouseHttp, ChoosesTheFormat) {
  const http::Query by_default{{"default_format", "JSONEachRow"}};
  EXPECT_EQ(server().post("SELECT 1 AS a", by_default).body, "{\"a\":1}\n");
  EXPECT_EQ(server().post("SELECT 1 AS a", {}, {{"X-ClickHouse-Format", "CSVWithNames"}}).body, "\"a\"\n1\n");
  EXPECT_EQ(server().post("SELECT 1 AS a FORMAT CSV", by_default).body, "1\n");
  EXPECT_EQ(server().post("SELECT 1 AS a FORMAT CSV SETTINGS max_threads = 1", by_default).body, "1\n");
  EXPECT_EQ(server().post("SHOW DATABASES LIKE 'default'", by_default).body, "{\"name\":\"default\"}\n");
  const auto response = server().post("SELECT 1 AS a FORMAT JSONEachRow");
  EXPECT_EQ(response.headers.get_or("X-ClickHouse-Format", ""), "JSONEachRow");
  EXPECT_EQ(response.headers.get_or("Content-Type", ""), "application/x-ndjson; charset=UTF-8");
  EXPECT_EQ(exception_code(server().post("SELECT 1 FORMAT Nope")), 73);
  EXPECT_EQ(exception_code(server().post("SELECT 1", {{"default_format", "x' y"}})), 73);
}

TEST(WarehouseHttp, TellsAboutTheStatementInHeaders) {
  const auto response = server().post("SELECT * FROM numbers(1000) FORMAT Null", {{"query_id", "it's mine"}});
  EXPECT_EQ(response.headers.get_or("X-ClickHouse-Query-Id", ""), "it's mine");
  EXPECT_EQ(response.headers.get_or("X-ClickHouse-Server-Display-Name", ""), "dalgona");
  EXPECT_NE(response.headers.get_or("X-ClickHouse-Timezone", ""), "");
  const auto summary = boost::json::parse(response.headers.get_or("X-ClickHouse-Summary", "{}")).as_object();
  EXPECT_EQ(summary.at("read_rows"), "1000");
  EXPECT_GT(std::stoll(std::string(summary.at("elapsed_ns").as_string())), 0);
}

TEST(WarehouseHttp, PassesSettingsDatabaseAndParameters) {
  EXPECT_EQ(server().value("SELECT getSetting('max_block_size')", {{"max_block_size", "4321"}}), "4321");
  EXPECT_NE(server().value("SELECT getSetting('max_block_size')"), "4321");  // the next request starts afresh
  EXPECT_EQ(exception_code(server().post("SELECT 1", {{"max_blocks_size", "1"}})), 115);
  EXPECT_EQ(server().value("SELECT currentDatabase()", {{"database", "system"}}), "system");
  EXPECT_EQ(server().post("SELECT currentDatabase()", {}, {{"X-ClickHouse-Database", "system"}}).body, "system\n");
  EXPECT_EQ(exception_code(server().post("SELECT 1", {{"database", "no`such"}})), 81);
  const http::Query params{
      {"param_n", "7"}, {"param_s", "it's \\\\ a\\ttab"}, {"param_a", "['x','y']"}, {"param_z", "\\N"}};
  EXPECT_EQ(
      server().value("SELECT {n:UInt8} + 1, {s:String}, {a:Array(String)}[2], {z:Nullable(String)} IS NULL", params),
      "8\tit\\'s \\\\ a\\ttab\ty\t1");
  EXPECT_EQ(exception_code(server().post("SELECT {n:UInt8}")), 456);
}

TEST(WarehouseHttp, OurClientsParametersArriveAsTheyAre) {
  http::Client http;
  warehouse::Client client(http, TestHome::shared().warehouse_url());
  std::mt19937 random(7);  // NOLINT: reproducible
  for (int i = 0; i < 50; ++i) {
    std::string text;
    for (int n = int(random() % 40); n > 0; --n) text += "ab'\"\\\t\n\r\b{}:%&=\x01\xc3\xa9`;"[random() % 21];
    text = to_utf8_lossy(text);
    warehouse::QueryOptions options;
    options.params["s"] = text;
    const std::string back = client.query_blocking("SELECT {s:String}", "RawBLOB", options);
    EXPECT_EQ(back, text);
  }
}

struct CodeCase {
  const char* sql;
  int code, status;
};
class WarehouseCodes : public testing::TestWithParam<CodeCase> {};
TEST_P(WarehouseCodes, AreClickHouses) {
  const auto response = server().post(GetParam().sql);
  EXPECT_EQ(exception_code(response), GetParam().code) << response.body;
  EXPECT_EQ(response.status, GetParam().status);
  EXPECT_TRUE(response.body.starts_with(fmt::format("Code: {}. DB::Exception: ", GetParam().code))) << response.body;
  EXPECT_NE(response.body.find("(version "), std::string::npos);
}
INSTANTIATE_TEST_SUITE_P(All, WarehouseCodes,
                         testing::Values(CodeCase{"SELEKT 1", 62, 400},
                                         CodeCase{"SELECT * FROM no_such_table", 60, 404},
                                         CodeCase{"SELECT * FROM nodb.t", 81, 404},
                                         CodeCase{"SELECT nofunction()", 46, 404}, CodeCase{"SELECT x", 47, 404},
                                         CodeCase{"SELECT throwIf(1)", 395, 500},
                                         CodeCase{"SELECT 1 INTO OUTFILE '/tmp/x'", 48, 501},
                                         CodeCase{"INSERT INTO t FROM INFILE '/etc/passwd' FORMAT CSV", 48, 501},
                                         CodeCase{"CREATE TABLE default.x (a Nope) ENGINE = Memory", 50, 404},
                                         CodeCase{"SELECT toUInt8('x')", 6, 400}));

TEST(WarehouseHttp, GetOnlyReads) {
  const Table table("a UInt8");
  EXPECT_EQ(exception_code(server().get("/?query=DROP%20TABLE%20" + table.name())), 164);
  EXPECT_EQ(exception_code(server().get("/?query=INSERT%20INTO%20" + table.name() + "%20VALUES%20(1)")), 164);
  EXPECT_EQ(table.count(), "0");
  EXPECT_EQ(server().get("/?max_threads=1&query=SELECT%20count()%20FROM%20" + table.name()).body, "0\n");
}

TEST(WarehouseHttp, InsertsInManyFormats) {
  const std::string source =
      "SELECT number AS n, toString(number * 7) AS s, if(number % 3 = 0, NULL, number / 4) AS f FROM numbers(1000)";
  const std::string sum = server().value("SELECT count(), sum(cityHash64(n, s, f)) FROM (" + source + ")");
  for (const char* format : {"JSONEachRow", "JSONCompactEachRow", "JSON", "CSV", "CSVWithNames", "TabSeparated",
                             "TabSeparatedWithNamesAndTypes", "Values", "RowBinary", "RowBinaryWithNamesAndTypes",
                             "Native", "Parquet", "Arrow", "ArrowStream", "ORC", "Avro", "MsgPack", "BSONEachRow"}) {
    const Table table("n UInt64, s String, f Nullable(Float64)");
    const auto data = server().post(source, {{"default_format", format}, {"output_format_avro_codec", "deflate"}});
    ASSERT_EQ(data.status, 200) << format << data.body;
    const auto response = server().insert("INSERT INTO " + table.name() + " (n, s, f) FORMAT " + format, data.body);
    ASSERT_EQ(response.status, 200) << format << ": " << response.body;
    EXPECT_EQ(server().value("SELECT count(), sum(cityHash64(n, s, f)) FROM " + table.name()), sum) << format;
    const auto summary = boost::json::parse(response.headers.get_or("X-ClickHouse-Summary", "{}")).as_object();
    EXPECT_EQ(summary.at("written_rows"), "1000") << format;
  }
}

TEST(WarehouseHttp, InsertsWithTheDataBehindTheStatement) {
  const Table table("a UInt64, b String DEFAULT 'none', c UInt64 MATERIALIZED a * 2");
  const std::string& t = table.name();
  const auto ok = [](const http::ClientResponse& r) { EXPECT_EQ(r.status, 200) << r.body; };
  ok(server().post("INSERT INTO " + t + " VALUES (1, 'one'), (2, lower('TWO'))"));
  ok(server().post("INSERT INTO " + t + " (a) VALUES (3)"));
  ok(server().post("INSERT INTO TABLE default." + t +
                   " (a) SETTINGS async_insert = 0 FORMAT JSONEachRow\n{\"a\":4}\n"));
  ok(server().insert("INSERT INTO `" + t + "` (a, b) FORMAT CSV", "5,five\n"));
  ok(server().insert("INSERT INTO " + t + " (a) SETTINGS async_insert = 0 VALUES", "(6), (7)"));
  ok(server().insert("INSERT INTO " + t + " FORMAT JSONEachRow", "{\"a\":8}"));
  ok(server().post("INSERT INTO " + t + " (a, b) SELECT 9, 'select'"));
  ok(server().insert("INSERT INTO " + t + " (a) FORMAT Values", ""));
  EXPECT_EQ(server().value("SELECT arrayStringConcat(groupArray(concat(toString(a), b, toString(c))), ' ') FROM "
                           "(SELECT a, b, c FROM " +
                           t + " ORDER BY a)"),
            "1one2 2two4 3none6 4none8 5five10 6none12 7none14 8none16 9select18");
  EXPECT_EQ(exception_code(server().insert("INSERT INTO " + t + " FORMAT CSV", "1,x\nnot a number,y\n")), 27);
  EXPECT_EQ(exception_code(server().insert("INSERT INTO no_such_table FORMAT CSV", "1\n")), 60);
  EXPECT_EQ(exception_code(server().insert("INSERT INTO " + t + " FORMAT JSONEachRow", "{\"nope\":1}",
                                           {{"input_format_skip_unknown_fields", "0"}})),
            117);
  EXPECT_EQ(table.count(), "9");
}

// Data that contain every byte and every pair of bytes arrive as they are, in binary formats, whole and in pieces.
TEST(WarehouseHttp, RandomBytesAreNotCut) {
  const Table table("n UInt32, b String");
  std::mt19937_64 random(11);  // NOLINT: reproducible
  std::string pairs;
  for (int a = 0; a < 256; ++a)
    for (int b = 0; b < 256; ++b) pairs += {char(a), char(b)};
  const auto leb = [](std::string& out, size_t n) {
    for (; n > 127; n >>= 7) out += char(n | 128);
    out += char(n);
  };
  std::string rows;
  std::string all;
  for (uint32_t n = 0; n < 300; ++n) {
    std::string bytes = n == 0 ? pairs : std::string(random() % 20'000, '\0');
    if (n > 0)
      for (char& c : bytes) c = char(random());
    rows.append(reinterpret_cast<const char*>(&n), 4);
    leb(rows, bytes.size());
    rows += bytes;
    all += bytes;
  }
  http::ClientRequest request;
  request.method = "POST";
  request.url = server().url() + "/?query=" + http::percent_encode("INSERT INTO " + table.name() + " FORMAT RowBinary");
  size_t at = 0;
  request.read_body = [&](char* to, size_t size) {  // pieces of odd lengths
    const size_t n = std::min({size, size_t(1 + random() % 70'000), rows.size() - at});
    std::copy_n(rows.data() + at, n, to);
    at += n;
    return n;
  };
  const auto response = server().send(std::move(request));
  ASSERT_EQ(response.status, 200) << response.body;
  const auto back = server().post("SELECT b FROM " + table.name() + " ORDER BY n FORMAT RawBLOB");
  EXPECT_TRUE(back.body == all) << back.body.size() << " bytes of " << all.size();
}

TEST(WarehouseHttp, CodesContentsBothWays) {
  const Table table("a UInt64");
  std::string rows;
  for (int i = 0; i < 50'000; ++i) rows += std::to_string(i) + "\n";
  const std::string sql = "INSERT INTO " + table.name() + " FORMAT CSV";
  int inserted = 0;
  for (const auto coding : {http::Coding::kGzip, http::Coding::kDeflate, http::Coding::kZstd}) {
    const auto response =
        server().insert(sql, encoded(coding, rows), {}, {{"Content-Encoding", std::string(name_of(coding))}});
    ASSERT_EQ(response.status, 200) << response.body;
    EXPECT_EQ(table.count(), std::to_string(++inserted * 50'000));
  }
  EXPECT_EQ(server().insert("", encoded(http::Coding::kGzip, "SELECT 5"), {}, {{"Content-Encoding", "gzip"}}).body,
            "5\n");
  // What the engine codes for a client it undoes again.
  for (const char* coding : {"br", "lz4", "xz"}) {
    const auto coded = server().post("SELECT number FROM numbers(50000) FORMAT CSV", {{"enable_http_compression", "1"}},
                                     {{"Accept-Encoding", coding}});
    ASSERT_EQ(coded.headers.get_or("Content-Encoding", ""), coding);
    EXPECT_NE(coded.body, rows);
    const auto response = server().insert(sql, coded.body, {}, {{"Content-Encoding", coding}});
    ASSERT_EQ(response.status, 200) << coding << response.body;
    EXPECT_EQ(table.count(), std::to_string(++inserted * 50'000)) << coding;
  }
  for (const auto coding : {http::Coding::kGzip, http::Coding::kZstd}) {
    const http::Headers accept{{"Accept-Encoding", std::string(name_of(coding))}};
    const auto coded = server().post("SELECT number FROM numbers(50000)", {{"enable_http_compression", "1"}}, accept);
    ASSERT_EQ(coded.headers.get_or("Content-Encoding", ""), name_of(coding));
    EXPECT_TRUE(decoded(coding, coded.body) == rows);
    // Not asked for by the setting: plain, as ClickHouse has it.
    EXPECT_TRUE(server().post("SELECT number FROM numbers(50000)", {}, accept).body == rows);
  }
  EXPECT_EQ(exception_code(server().insert(sql, rows, {}, {{"Content-Encoding", "rot13"}})), 48);
  EXPECT_EQ(exception_code(server().insert(sql, rows, {{"decompress", "1"}})), 48);
  EXPECT_NE(server().insert(sql, "no gzip at all", {}, {{"Content-Encoding", "gzip"}}).status, 200);
  EXPECT_EQ(table.count(), std::to_string(inserted * 50'000));
}

TEST(WarehouseHttp, DeduplicatesByToken) {
  const Table table("a UInt64", "non_replicated_deduplication_window = 100");
  const Table other("a UInt64", "non_replicated_deduplication_window = 100");
  server().value("CREATE MATERIALIZED VIEW " + table.name() + "_mv TO " + other.name() + " AS SELECT a FROM " +
                 table.name());
  const std::string sql = "INSERT INTO " + table.name() + " FORMAT CSV";
  std::string large;  // several blocks
  for (int i = 0; i < 300'000; ++i) large += std::to_string(i) + "\n";
  const http::Query once{{"insert_deduplication_token", "token-1"},
                         {"max_insert_block_size", "100000"},
                         {"min_insert_block_size_rows", "100000"},
                         {"min_insert_block_size_bytes", "0"},
                         {"deduplicate_blocks_in_dependent_materialized_views", "1"}};
  for (int i = 0; i < 3; ++i) ASSERT_EQ(server().insert(sql, large, once).status, 200);
  EXPECT_EQ(table.count(), "300000");
  EXPECT_EQ(other.count(), "300000");
  ASSERT_EQ(server().insert(sql, "1\n", {{"insert_deduplication_token", "token-2"}}).status, 200);
  ASSERT_EQ(server().insert(sql, "1\n", {{"insert_deduplication_token", "token-3"}}).status, 200);
  EXPECT_EQ(table.count(), "300002");
  server().value("DROP TABLE " + table.name() + "_mv");
}

TEST(WarehouseHttp, SessionsKeepTemporaryTablesAndSettings) {
  const http::Query session{{"session_id", TestHome::shared().unique_name("s")}};
  server().value("CREATE TEMPORARY TABLE mine (a UInt8)", session);
  server().value("INSERT INTO mine VALUES (5)", session);
  EXPECT_EQ(server().value("SELECT a FROM mine", session), "5");
  EXPECT_EQ(exception_code(server().post("SELECT a FROM mine")), 60);
  // It must have the session before others ask for it, or one of those would keep it out.
  http::Query slowly = session;
  const std::string id = TestHome::shared().unique_name("slow");
  slowly.add("query_id", id);
  auto slow = std::async(std::launch::async, [&] { return server().post("SELECT sleep(2)", slowly); });
  const std::string running = "SELECT count() FROM system.processes WHERE Settings['log_comment'] = '" + id + "'";
  while (server().value(running) != "1" && slow.wait_for(std::chrono::milliseconds{5}) != std::future_status::ready) {
  }
  EXPECT_EQ(exception_code(server().post("SELECT 1", session)), 373);
  EXPECT_EQ(slow.get().status, 200);
}

TEST(WarehouseHttp, AStatementFindsItsSessionAsIfItWereNew) {
  const http::Query named{{"param_a", "1"}, {"param_b", "x"}};
  EXPECT_EQ(server().value("SELECT {a:UInt8}, {b:String}", named), "1\tx");
  // The session that was just left has the same settings, and both values are new.
  EXPECT_EQ(server().value("SELECT {a:UInt8}, {b:String}", {{"param_a", "2"}, {"param_b", "y"}}), "2\ty");
  EXPECT_EQ(exception_code(server().post("SELECT {b:String}", {{"param_a", "3"}})), 456);
  EXPECT_EQ(exception_code(server().post("SELECT {a:UInt8}")), 456);
  // A value that looks like the next setting is a value.
  EXPECT_EQ(server().value("SELECT getSetting('log_comment') != 'b', {a:String}", {{"param_a", "1\\nlog_comment=1b"}}),
            "1\t1\\nlog_comment=1b");
  // A clause of the statement holds for the statement alone.
  EXPECT_EQ(server().value("SELECT getSetting('max_block_size') SETTINGS max_block_size = 77"), "77");
  EXPECT_NE(server().value("SELECT getSetting('max_block_size')"), "77");
  // Databases: the same name gone and made again is the new one.
  const std::string database = TestHome::shared().unique_name("d");
  for (const char* value : {"1", "2"}) {
    server().value("CREATE DATABASE " + database);
    server().value("CREATE TABLE " + database + ".t (a UInt8) ENGINE = MergeTree ORDER BY a AS SELECT " + value);
    EXPECT_EQ(server().value("SELECT a FROM t", {{"database", database}}), value);
    server().value("DROP DATABASE " + database);
    EXPECT_NE(server().post("SELECT a FROM t", {{"database", database}}).status, 200);
  }
  // More kinds of sessions than are kept, by several clients at once.
  std::vector<std::future<int>> clients;
  for (int c = 0; c < 4; ++c)
    clients.push_back(std::async(std::launch::async, [c] {
      int wrong = 0;
      for (int i = 0; i < 100; ++i) {
        const std::string size = std::to_string(1000 + (i * 7 + c) % 23), value = std::to_string(c * 1000 + i);
        const auto got = server().value("SELECT getSetting('max_block_size'), {v:UInt32}",
                                        {{"max_block_size", size}, {"param_v", value}});
        wrong += got != size + "\t" + value;
      }
      return wrong;
    }));
  for (auto& client : clients) EXPECT_EQ(client.get(), 0);
}

TEST(WarehouseHttp, ABoundedResultIsWholeOrAnError) {
  const http::Query bounded{{"wait_end_of_query", "1"}, {"max_result_bytes", "1000000"}};
  EXPECT_EQ(server().value("SELECT sum(number) FROM numbers(1000)", bounded), "499500");
  const auto rows = server().post("SELECT number FROM numbers(10000) FORMAT RowBinary", bounded);
  EXPECT_EQ(rows.body.size(), 80'000u);
  EXPECT_EQ(rows.headers.get_or("X-ClickHouse-Format", ""), "RowBinary");
  EXPECT_EQ(server().value("SELECT number FROM numbers(0)", bounded), "");
  const auto many = server().post("SELECT number FROM numbers(10000000)", bounded);
  EXPECT_EQ(exception_code(many), 396);
  EXPECT_NE(many.status, 200);
  EXPECT_EQ(exception_code(server().post("SELECT throwIf(number = 5) FROM numbers(10)", bounded)), 395);
  // Killed by the client's id as any other.
  http::Query slowly = bounded;
  const std::string id = TestHome::shared().unique_name("slow");
  slowly.add("query_id", id);
  auto slow = std::async(std::launch::async, [&] {
    return server().post("SELECT sleepEachRow(0.1) FROM numbers(600) SETTINGS max_block_size = 1", slowly);
  });
  while (server().value("SELECT count() FROM system.processes WHERE Settings['log_comment'] = '" + id + "'") != "1" &&
         slow.wait_for(std::chrono::milliseconds{5}) != std::future_status::ready) {
  }
  server().value("KILL QUERY WHERE query_id = '" + id + "' ASYNC");
  EXPECT_EQ(exception_code(slow.get()), 394);
}

TEST(WarehouseHttp, MakesNoStatistics) {
  Table table("a UInt64, b String");
  server().value("INSERT INTO " + table.name() + " SELECT number, toString(number) FROM numbers(1000)");
  EXPECT_EQ(server().value("SELECT value FROM system.merge_tree_settings WHERE name = 'auto_statistics_types'"), "");
  EXPECT_EQ(
      server().value("SELECT bytes_on_disk < 20000 FROM system.parts WHERE active AND table = '" + table.name() + "'"),
      "1");
}

TEST(WarehouseHttp, DropsAtOnceWithSync) {
  for (int i = 0; i < 5; ++i) {
    const std::string name = TestHome::shared().unique_name("dropped");
    server().value("CREATE TABLE " + name + " (a UInt64) ENGINE = MergeTree ORDER BY a");
    server().value("INSERT INTO " + name + " SELECT number FROM numbers(100000)");
    EXPECT_LT(server().post("DROP TABLE " + name + (i % 2 ? " SYNC" : " NO DELAY")).time, std::chrono::seconds{5});
    EXPECT_EQ(server().value("EXISTS TABLE " + name), "0");
  }
  const std::string base = TestHome::shared().unique_name("base");
  server().value("CREATE DATABASE " + base);
  server().value("CREATE TABLE " + base + ".t (a UInt64) ENGINE = MergeTree ORDER BY a");
  server().value("INSERT INTO " + base + ".t SELECT 1");
  EXPECT_LT(server().post("DROP DATABASE " + base + " SYNC").time, std::chrono::seconds{5});
}

TEST(WarehouseHttp, RunsStatementsSideBySide) {
  const auto began = std::chrono::steady_clock::now();
  std::vector<std::future<std::string>> all;
  for (int i = 0; i < 16; ++i)
    all.push_back(std::async(std::launch::async, [i] {
      return server().value(fmt::format("SELECT {}, getSetting('max_block_size'), sleep(0.5)", i),
                            {{"max_block_size", std::to_string(1000 + i)}});
    }));
  for (int i = 0; i < 16; ++i) EXPECT_EQ(all[size_t(i)].get(), fmt::format("{}\t{}\t0", i, 1000 + i));
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds{5});  // 8 one after another
}

}  // namespace
}  // namespace dalgona::test
