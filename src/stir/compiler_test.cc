// Projects in folders of their own: what depends on what, what comes out, and what is said when something is wrong.
#include "stir/compiler.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/resources.h"
#include "stir/selector.h"

namespace dalgona::stir {
namespace {
namespace fs = std::filesystem;
namespace json = boost::json;
using testing::ElementsAre;
using testing::HasSubstr;

class StirProject : public testing::Test {
 protected:
  StirProject() {
    static std::atomic<int> number{0};
    folder_ =
        fs::temp_directory_path() / ("stir-project-" + std::to_string(::getpid()) + "-" + std::to_string(number++));
    write("dbt_project.yml",
          "name: shop\nversion: '1.0'\nconfig-version: 2\nmodel-paths: [models]\nmacro-paths: [macros]\n"
          "test-paths: [tests]\nseed-paths: [seeds]\nvars: {days: 7}\nmodels:\n  shop:\n    +materialized: table\n");
  }
  ~StirProject() override { fs::remove_all(folder_); }
  StirProject(const StirProject&) = delete;
  StirProject& operator=(const StirProject&) = delete;

  void write(const std::string& path, const std::string& text) {
    fs::create_directories((folder_ / path).parent_path());
    std::ofstream(folder_ / path, std::ios::binary) << text;
  }
  Compiler load(const json::object& vars = {}) { return Compiler(folder_, Target(), vars); }
  std::string sql(const std::string& model, bool incremental = false) {
    const auto compiler = load();
    return compiler.compile(compiler.node("model.shop." + model), incremental).sql;
  }
  std::string failure(const std::string& model = {}) {
    try {
      const auto compiler = load();
      if (!model.empty()) (void)compiler.compile(compiler.node("model.shop." + model));
    } catch (const CompileError& e) {
      return e.what();
    }
    return "nothing was wrong";
  }

  fs::path folder_;
};

TEST_F(StirProject, RefsAndSourcesBecomeRelationsAndOrder) {
  write("models/sources.yml", "version: 2\nsources:\n  - name: raw\n    tables: [{name: orders}]\n");
  write("models/a_mart.sql", "select * from {{ ref('z_staging') }} where d > {{ var('days') }}");
  write("models/z_staging.sql", "{{ config(alias='orders') }}select * from {{ source('raw', 'orders') }}");
  const auto compiler = load();
  EXPECT_THAT(compiler.order(), ElementsAre("source.shop.raw.orders", "model.shop.z_staging", "model.shop.a_mart"));
  EXPECT_EQ(sql("a_mart"), "select * from `dbt`.`orders` where d > 7");
  EXPECT_EQ(sql("z_staging"), "select * from `raw`.`orders`");
  EXPECT_EQ(load({{"days", 30}}).compile(compiler.node("model.shop.a_mart")).sql,
            "select * from `dbt`.`orders` where d > 30");
}

TEST_F(StirProject, EphemeralModelsBecomeCommonTableExpressions) {
  write("models/inner.sql", "{{ config(materialized='ephemeral') }}select 1 as x");
  write("models/middle.sql", "{{ config(materialized='ephemeral') }}select x from {{ ref('inner') }}");
  write("models/outer.sql", "with mine as (select 2) select * from {{ ref('middle') }}, mine, {{ ref('inner') }}");
  const std::string text = sql("outer");
  EXPECT_THAT(text, testing::StartsWith("with __dbt__cte__inner as (\nselect 1 as x\n), __dbt__cte__middle as ("));
  EXPECT_THAT(text, HasSubstr(", mine as (select 2) select * from __dbt__cte__middle, mine, __dbt__cte__inner"));
}

TEST_F(StirProject, IncrementalModelsKnowWhatTheyAre) {
  write("models/m.sql",
        "{{ config(materialized='incremental', order_by='at') }}select 1 as at{% if is_incremental() %} where at > "
        "(select "
        "max(at) from {{ this }}){% endif %}");
  EXPECT_EQ(sql("m"), "select 1 as at");
  EXPECT_EQ(sql("m", true), "select 1 as at where at > (select max(at) from `dbt`.`m`)");
}

TEST_F(StirProject, MacrosCallMacrosAndReturnValues) {
  write("macros/m.sql",
        "{% macro names() %}{{ return(['a', 'b']) }}{% endmacro %}"
        "{% macro listed() -%}{% for n in names() %}{{ n }}{% if not loop.last %}, {% endif %}{% endfor %}{%- endmacro "
        "%}");
  write("models/m.sql", "select {{ listed() }} from t");
  EXPECT_EQ(sql("m"), "select a, b from t");
}

TEST_F(StirProject, ErrorsNameFileLineAndWhatWasMeant) {
  write("models/first.sql", "select 1");
  write("models/bad.sql", "select 1\nfrom {{ ref('frist') }}");
  EXPECT_THAT(failure(), testing::AllOf(HasSubstr("bad.sql"), HasSubstr("ref('frist')"), HasSubstr("first")));
  write("models/bad.sql", "select 1\n\nfrom {{ nobody() }}");
  EXPECT_THAT(failure(), testing::AllOf(HasSubstr("bad.sql:3"), HasSubstr("nobody")));
  write("models/bad.sql", "select 1\n{% if %}");
  EXPECT_THAT(failure(), HasSubstr("bad.sql:2"));
  write("models/bad.sql", "select {{ source('raw', 'nothing') }}");
  EXPECT_THAT(failure(), HasSubstr("no source 'raw'"));
  write("models/bad.sql", "select {{ var('unset') }}");
  EXPECT_THAT(failure(), HasSubstr("var 'unset' is not set"));
  write("models/bad.sql", "select * from {{ ref('worse') }}");
  write("models/worse.sql", "select * from {{ ref('bad') }}");
  EXPECT_THAT(failure(), HasSubstr("in a circle"));
}

TEST_F(StirProject, ModelsDoNotReachThePythonThatRunsThem) {
  for (const char* text : {"{{ ''.__class__.__mro__ }}", "{{ (ref.__globals__)['os'] }}",
                           "{{ modules.re.sys.exit(3) }}", "{{ config.__init__.__globals__ }}"}) {
    write("models/m.sql", text);
    EXPECT_THAT(failure("m"), HasSubstr("m.sql")) << text;
  }
}

TEST_F(StirProject, GenericTestsAreMacros) {
  write("models/m.sql", "select 1 as x");
  write("models/m.yml",
        "version: 2\nmodels:\n  - name: m\n    columns:\n      - name: x\n        tests: [not_null, unique, "
        "{accepted_values: {values: [\"a'b\", c]}}]\n");
  const auto compiler = load();
  std::string all;
  for (const auto& [id, node] : compiler.project().nodes)
    if (node.kind == Kind::kTest) all += compiler.compile(node).sql + "\n";
  EXPECT_THAT(all, HasSubstr("where x is null"));
  EXPECT_THAT(all, HasSubstr("having count(*) > 1"));
  EXPECT_THAT(all, HasSubstr(R"('a\'b')"));
}

TEST_F(StirProject, SelectsAsDbtDoes) {
  write("models/staging/a.sql", "{{ config(tags=['core']) }}select 1");
  write("models/marts/b.sql", "{{ config(tags=['core', 'daily']) }}select * from {{ ref('a') }}");
  write("models/marts/c.sql", "select * from {{ ref('b') }}");
  write("models/marts/alone.sql", "select 1");
  const auto compiler = load();
  const auto chosen = [&](const std::vector<std::string>& select, const std::vector<std::string>& exclude = {}) {
    std::string names;
    for (const auto& id : select_nodes(compiler.project(), select, exclude)) names += compiler.node(id).name + " ";
    return names;
  };
  EXPECT_EQ(chosen({}), "a alone b c ");
  EXPECT_EQ(chosen({"tag:core"}), "a b ");
  EXPECT_EQ(chosen({"tag:core,tag:daily"}), "b ");
  EXPECT_EQ(chosen({"+c"}), "a b c ");
  EXPECT_EQ(chosen({"1+c"}), "b c ");
  EXPECT_EQ(chosen({"a+"}), "a b c ");
  EXPECT_EQ(chosen({"a+1"}), "a b ");
  EXPECT_EQ(chosen({"path:models/marts"}), "alone b c ");
  EXPECT_EQ(chosen({"a alone"}), "a alone ");
  EXPECT_EQ(chosen({"path:models/marts/"}, {"c"}), "alone b ");
  EXPECT_EQ(chosen({"@b"}), "a b c ");
  const auto wrong = [&](const std::string& selector) {
    try {
      (void)select_nodes(compiler.project(), {selector});
    } catch (const InvalidInput& e) {
      return std::string(e.what());
    }
    return std::string("nothing was wrong");
  };
  EXPECT_THAT(wrong("alonw"), HasSubstr("alone"));
  EXPECT_THAT(wrong("tagg:core"), HasSubstr("tag"));
  EXPECT_THAT(wrong("a+x"), HasSubstr("after '+'"));
}

TEST_F(StirProject, CompilesOnSeveralThreads) {
  for (int i = 0; i < 8; ++i) write("models/m" + std::to_string(i) + ".sql", "select " + std::to_string(i));
  const auto compiler = load();
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int round = 0; round < 20; ++round)
        for (int i = 0; i < 8; ++i)
          if (compiler.compile(compiler.node("model.shop.m" + std::to_string(i))).sql != "select " + std::to_string(i))
            ++wrong;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(ShippedModels, AllAreThereAndCompile) {
  const Compiler compiler(resource("models"), Target());
  for (const char* name :
       {"stg_beat_profile_log", "stg_beat_post_log", "stg_beat_youtube_account", "stg_beat_youtube_post",
        "mart_time_series", "mart_yt_growth", "mart_youtube_leaderboard", "mart_leaderboard"})
    ASSERT_TRUE(compiler.project().find(name)) << name;
  for (const auto& id : compiler.order()) {
    const Node& node = compiler.node(id);
    if (node.kind == Kind::kSource || node.kind == Kind::kSeed) continue;
    const auto compiled = compiler.compile(node);
    EXPECT_THAT(compiled.sql, HasSubstr("select")) << id;
    EXPECT_THAT(compiled.sql, testing::Not(HasSubstr("{{"))) << id;
  }
}

}  // namespace
}  // namespace dalgona::stir
