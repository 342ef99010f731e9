#include "stir/materialize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dalgona::stir {
namespace {
namespace json = boost::json;
using testing::ElementsAre;
using testing::HasSubstr;

struct Case {
  explicit Case(const json::object& config) {
    node.name = node.identifier = "m";
    node.schema = "dbt";
    node.path = "marts/m.sql";
    node.config = config;
    compiled.sql = "select 1 as a";
    compiled.config = config;
  }
  Plan plan(Existing::Kind kind = Existing::Kind::kNone, bool incremental = false,
            const std::vector<std::string>& columns = {}, const std::string& cluster = {}) const {
    Existing existing;
    existing.kind = kind;
    if (kind == Existing::Kind::kTable) existing.columns = {"a", "b"};
    return plan_model(node, compiled, existing, incremental, columns, cluster);
  }
  Node node;
  Compiler::Compiled compiled;
};

TEST(Materialize, ATableIsBuiltAsideAndTakesTheNameInOneStep) {
  const Case table({{"materialized", "table"}, {"order_by", "a"}, {"partition_by", "toYYYYMM(d)"}});
  const auto fresh = table.plan();
  EXPECT_THAT(
      fresh.statements,
      ElementsAre("DROP TABLE IF EXISTS `dbt`.`m__dbt_tmp`",
                  "CREATE TABLE `dbt`.`m__dbt_tmp` ENGINE = MergeTree() PARTITION BY (toYYYYMM(d)) ORDER BY (a) EMPTY "
                  "AS\nselect 1 as a",
                  "INSERT INTO `dbt`.`m__dbt_tmp`\nselect 1 as a"));
  EXPECT_THAT(fresh.after, ElementsAre("RENAME TABLE `dbt`.`m__dbt_tmp` TO `dbt`.`m`"));
  const auto again = table.plan(Existing::Kind::kTable);
  EXPECT_THAT(again.after, ElementsAre("EXCHANGE TABLES `dbt`.`m__dbt_tmp` AND `dbt`.`m`",
                                       "DROP TABLE IF EXISTS `dbt`.`m__dbt_tmp`"));
  EXPECT_FALSE(again.appends);
}

TEST(Materialize, AViewReplacesWhatStandsThere) {
  const Case view({{"materialized", "view"}});
  EXPECT_THAT(view.plan().statements, ElementsAre("CREATE OR REPLACE VIEW `dbt`.`m` AS\nselect 1 as a"));
  EXPECT_THAT(view.plan(Existing::Kind::kTable).after, testing::Contains(HasSubstr("EXCHANGE TABLES")));
}

TEST(Materialize, AppendMatchesColumnsByName) {
  const Case append({{"materialized", "incremental"}});
  const auto plan = append.plan(Existing::Kind::kTable, true, {"b", "a"});
  EXPECT_TRUE(plan.appends);
  EXPECT_THAT(plan.statements,
              ElementsAre("INSERT INTO `dbt`.`m` (`b`, `a`)\nSELECT `b`, `a` FROM (\nselect 1 as a\n)"));
}

TEST(Materialize, DeleteInsertShowsReadersNeitherGapNorDouble) {
  const Case merge({{"materialized", "incremental"}, {"unique_key", json::array{"a"}}, {"order_by", "a"}});
  const auto plan = merge.plan(Existing::Kind::kTable, true, {"a", "b"});
  EXPECT_FALSE(plan.appends);
  for (const auto& statement : plan.statements) EXPECT_THAT(statement, testing::Not(HasSubstr("INTO `dbt`.`m` ")));
  EXPECT_THAT(plan.statements,
              testing::Contains(HasSubstr("WHERE (a) NOT IN (SELECT a FROM `dbt`.`m__dbt_new_data`)")));
  EXPECT_THAT(plan.after.front(), HasSubstr("EXCHANGE TABLES"));
}

TEST(Materialize, OverwriteReplacesPartitions) {
  const Case overwrite({{"materialized", "incremental"},
                        {"incremental_strategy", "insert_overwrite"},
                        {"partition_by", "toYYYYMM(d)"},
                        {"order_by", "a"}});
  const auto plan = overwrite.plan(Existing::Kind::kTable, true, {"a", "b"});
  ASSERT_TRUE(plan.overwrite_from);
  EXPECT_EQ(plan.overwrite_from->identifier, "m__dbt_new_data");
}

TEST(Materialize, SaysWhatIsWrongWithFile) {
  const auto failure = [](const json::object& config, bool incremental, const std::vector<std::string>& columns) {
    try {
      (void)Case(config).plan(Existing::Kind::kTable, incremental, columns);
    } catch (const CompileError& e) {
      return std::string(e.what());
    }
    return std::string("nothing was wrong");
  };
  EXPECT_THAT(failure({{"materialized", "tabel"}}, false, {}),
              testing::AllOf(testing::StartsWith("marts/m.sql:1: "), HasSubstr("'tabel'")));
  EXPECT_THAT(failure({{"materialized", "incremental"}, {"on_schema_change", "fail"}}, true, {"a", "b", "c"}),
              HasSubstr("(c); run it with --full-refresh"));
  EXPECT_THAT(failure({{"materialized", "incremental"}, {"incremental_strategy", "delete+insert"}}, true, {"a"}),
              HasSubstr("unique_key"));
  EXPECT_THAT(failure({{"materialized", "incremental"}, {"incremental_strategy", "insert_overwrite"}}, true, {"a"}),
              HasSubstr("partition_by"));
}

TEST(Materialize, RunsIncrementallyOnlyOverATable) {
  const Case one({{"materialized", "incremental"}});
  Existing existing;
  EXPECT_FALSE(runs_incrementally(one.node, existing, false));
  existing.kind = Existing::Kind::kView;
  EXPECT_FALSE(runs_incrementally(one.node, existing, false));
  existing.kind = Existing::Kind::kTable;
  EXPECT_TRUE(runs_incrementally(one.node, existing, false));
  EXPECT_FALSE(runs_incrementally(one.node, existing, true));
}

TEST(Materialize, ClustersAreNamedEverywhere) {
  const Case table({{"materialized", "table"}, {"order_by", "a"}});
  const auto plan = table.plan(Existing::Kind::kTable, false, {}, "big");
  EXPECT_THAT(plan.statements[0], HasSubstr(" ON CLUSTER `big`"));
  EXPECT_THAT(plan.statements[1], HasSubstr(" ON CLUSTER `big`"));
  EXPECT_THAT(plan.after[0], HasSubstr(" ON CLUSTER `big`"));
}

}  // namespace
}  // namespace dalgona::stir
