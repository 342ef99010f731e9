#include "warehouse/embedded/statement.h"

#include <gtest/gtest.h>

#include "base/errors.h"
#include "warehouse/embedded/exception.h"

namespace dalgona::warehouse::embedded {
namespace {

std::string whole(const std::string& text) {
  return text.substr(0, inspect(text).end);
}
std::string data(const std::string& text) {
  const Statement s = inspect(text);
  EXPECT_EQ(s.kind, StatementKind::kInsertData) << text;
  return text.substr(s.data_at);
}

TEST(Statement, KindsAreKnownByTheFirstWord) {
  for (const char* text :
       {"SELECT 1", "select 1", "WITH 1 AS x SELECT x", "(SELECT 1)", "FROM t SELECT a", "/* c */ SELECT 1"})
    EXPECT_EQ(inspect(text).kind, StatementKind::kSelect) << text;
  for (const char* text : {"SHOW TABLES", "CREATE TABLE t (a UInt8) ENGINE = Memory", "INSERT INTO t SELECT 1",
                           "INSERT INTO t (a) WITH 1 AS x SELECT x", "KILL QUERY WHERE 1", "OPTIMIZE TABLE t FINAL",
                           "WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x"})
    EXPECT_EQ(inspect(text).kind, StatementKind::kOther) << text;
  for (const char* text : {"", "  \n", "-- nothing", "/* nothing */", ";"})
    EXPECT_EQ(inspect(text).kind, StatementKind::kEmpty) << text;
  EXPECT_TRUE(inspect("INSERT INTO t SELECT 1").is_write);
}

TEST(Statement, EndsBeforeSemicolonAndComments) {
  EXPECT_EQ(whole("SELECT 1 ; "), "SELECT 1");
  EXPECT_EQ(whole("SELECT 1 -- ;\n"), "SELECT 1");
  EXPECT_EQ(whole("SELECT ';' /* ; */"), "SELECT ';'");
  EXPECT_EQ(whole("SELECT f(1, ')')"), "SELECT f(1, ')')");
  EXPECT_FALSE(inspect("SELECT 1;").several);
  EXPECT_TRUE(inspect("SELECT 1; DROP TABLE t").several);
  EXPECT_EQ(whole("SELECT 1; DROP TABLE t"), "SELECT 1");
  EXPECT_FALSE(inspect("SELECT 'a;b', \"c;d\", `e;f`, $$;$$, $x$;$x$").several);
}

TEST(Statement, SyncOfADropIsLeftOut) {
  EXPECT_EQ(whole("DROP TABLE t SYNC"), "DROP TABLE t");
  EXPECT_EQ(whole("DROP TABLE t NO DELAY;"), "DROP TABLE t");
  EXPECT_EQ(whole("DROP TABLE no"), "DROP TABLE no");
  EXPECT_EQ(whole("DROP TABLE sync SYNC"), "DROP TABLE sync");
  EXPECT_EQ(whole("drop database if exists d sync"), "drop database if exists d");
  EXPECT_EQ(whole("SELECT 1 AS sync"), "SELECT 1 AS sync");
}

TEST(Statement, FormatIsTheClauseAtTheEnd) {
  EXPECT_EQ(inspect("SELECT 1 FORMAT JSON").format, "JSON");
  EXPECT_EQ(inspect("SELECT 1 FORMAT `JSON` ;").format, "JSON");
  EXPECT_EQ(inspect("SELECT 1 FORMAT CSV SETTINGS max_threads = 1, a = 'b'").format, "CSV");
  EXPECT_EQ(inspect("SHOW TABLES FORMAT TSV").format, "TSV");
  for (const char* text : {"SELECT 1", "SELECT format FROM t", "SELECT 'FORMAT JSON'", "SELECT (SELECT 1 FORMAT)",
                           "SELECT 1 AS format", "SELECT format a FROM t"})
    EXPECT_FALSE(inspect(text).has_format) << text;
}

TEST(Statement, DataBeginBehindTheFormat) {
  EXPECT_EQ(data("INSERT INTO t FORMAT CSV\n1,2\n"), "1,2\n");
  EXPECT_EQ(data("INSERT INTO t FORMAT CSV 1,2"), "1,2");
  EXPECT_EQ(data("INSERT INTO t FORMAT CSV ;\r\n\n1"), "\n1");
  EXPECT_EQ(data("insert into db.t (a, `b c`) settings x = 1 format JSONEachRow\n{}"), "{}");
  EXPECT_EQ(data("INSERT INTO t VALUES (1, ';'), ('('"), " (1, ';'), ('('");
  EXPECT_EQ(data(std::string("INSERT INTO t FORMAT RowBinary\n") + '\0' + "\n'"), std::string(1, '\0') + "\n'");
  EXPECT_EQ(data("INSERT INTO FUNCTION file('x', CSV, 'a UInt8') VALUES (1)"), " (1)");
  EXPECT_EQ(inspect("INSERT INTO format FORMAT CSV\n").format, "CSV");
  EXPECT_EQ(inspect("INSERT INTO values VALUES (1)").format, "Values");
  EXPECT_EQ(inspect("INSERT INTO d . select VALUES (1)").format, "Values");
}

TEST(Statement, FilesTakeTheirPlace) {
  const auto out = [](const std::string& text) { return into_file(text, inspect(text), "/p", "TSV", "none"); };
  EXPECT_EQ(out("SELECT 1 -- c"), "SELECT 1\nINTO OUTFILE '/p' TRUNCATE COMPRESSION 'none'\nFORMAT `TSV`");
  EXPECT_EQ(out("SELECT 1 FORMAT CSV SETTINGS a = 1;"),
            "SELECT 1 \nINTO OUTFILE '/p' TRUNCATE COMPRESSION 'none'\nFORMAT CSV SETTINGS a = 1");
  const auto in = [](const std::string& text) { return from_file(text, inspect(text), "/p", "none"); };
  EXPECT_EQ(in("INSERT INTO d.t (a) FORMAT CSV 1"),
            "INSERT INTO d.t (a)\nFROM INFILE '/p' COMPRESSION 'none'\n FORMAT CSV");
  EXPECT_EQ(in("INSERT INTO t SETTINGS a = 1 VALUES (1)"),
            "INSERT INTO t\nFROM INFILE '/p' COMPRESSION 'none'\nSETTINGS a = 1\nFORMAT Values");
  EXPECT_TRUE(inspect("SELECT 1 INTO OUTFILE 'x'").from_client_file);
  EXPECT_TRUE(inspect("SELECT 1 INTO /**/ OUTFILE 'x' FORMAT CSV").from_client_file);
  EXPECT_TRUE(inspect("INSERT INTO t FROM INFILE 'x' FORMAT CSV").from_client_file);
}

TEST(Statement, KillsByTheIdThatClientsKnow) {
  const std::string text = "KILL QUERY WHERE query_id = 'query_id' OR `query_id` IN ('x') SYNC;";
  EXPECT_TRUE(inspect(text).is_kill);
  EXPECT_EQ(kill_by_client_id(text, inspect(text)),
            "KILL QUERY WHERE Settings['log_comment'] = 'query_id' OR Settings['log_comment'] IN ('x') SYNC");
}

TEST(Statement, WhatIsNotClosedIsAnError) {
  for (const char* text : {"SELECT 'a", "SELECT `a", "SELECT \"a\\\"", "SELECT 1 /* a", "SELECT 'a''"})
    EXPECT_THROW(inspect(text), InvalidInput) << text;
}

TEST(Exception, TextHasOneCodeAndOneVersion) {
  const std::string v = "26.5.1.1";
  EXPECT_EQ(exception_text("Code: 47. DB::Exception: Unknown x. (UNKNOWN_IDENTIFIER)", v),
            "Code: 47. DB::Exception: Unknown x. (UNKNOWN_IDENTIFIER) (version 26.5.1.1)\n");
  EXPECT_EQ(exception_text("Code: 73. DB::Exception: Code: 73. DB::Exception: Code: 73. DB::Exception: Unknown format. "
                           "(UNKNOWN_FORMAT) (version 26.5.1.1). (UNKNOWN_FORMAT) (version 26.5.1.1). (UNKNOWN_FORMAT)",
                           v),
            "Code: 73. DB::Exception: Unknown format. (UNKNOWN_FORMAT) (version 26.5.1.1)\n");
  EXPECT_EQ(exception_code("Code: 73. DB::Exception: x"), 73);
  EXPECT_EQ(exception_code("nothing"), 1002);
  EXPECT_EQ(http_status(60), 404);
  EXPECT_EQ(http_status(241), 500);
}

}  // namespace
}  // namespace dalgona::warehouse::embedded
