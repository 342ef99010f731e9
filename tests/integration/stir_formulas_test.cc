// The formulas of src/insights/reach.h and the macros of models/macros say the same: both are asked about random and
// extreme inputs, the macros through the engine.
#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>

#include <gtest/gtest.h>

#include "base/text.h"
#include "insights/reach.h"
#include "stir/compiler.h"
#include "stir_fixture.h"

namespace dalgona::stir {
namespace {
namespace fs = std::filesystem;
namespace json = boost::json;

using Counts = std::array<insights::Count, 3>;

std::vector<Counts> inputs() {
  std::mt19937_64 random(20171001);
  const std::vector<insights::Count> special{{},     0.0,     1.0,     2.0,   999.0,  1000.0, 4999.0,
                                             5000.0, 74999.0, 75000.0, 1e6,   7.2e10, 7.3e10, 1e18,
                                             9.2e18, -1.0,    0.5,     1e300, 1e-300};
  const auto any = [&]() -> insights::Count {
    const auto kind = std::uniform_int_distribution<int>(0, 9)(random);
    if (kind < 3) return special[std::uniform_int_distribution<size_t>(0, special.size() - 1)(random)];
    if (kind == 3) return std::uniform_real_distribution<double>(0, 100)(random);
    return std::floor(std::pow(10, std::uniform_real_distribution<double>(0, 9)(random)));
  };
  std::vector<Counts> all;
  for (const auto& a : special)
    for (const auto& b : special) all.push_back({a, b, any()});
  for (int i = 0; i < 4000; ++i) all.push_back({any(), any(), any()});
  // Rates whose hundredfold is an exact half, or nearly one: n / 32 percent, small and large.
  for (int i = 0; i < 500; ++i) {
    const double n = std::floor(std::pow(10, std::uniform_real_distribution<double>(0, 8)(random)));
    all.push_back({n, 0.0, 32.0});
    all.push_back({n, 1.0, 800.0});
  }
  return all;
}

TEST(StirFormulas, MacrosAndFunctionsAgree) {
  auto& home = test::TestHome::shared();
  const fs::path project = home.path() / home.unique_name("formulas");
  fs::create_directories(project / "models");
  fs::copy(resource("models") / "macros", project / "macros");
  std::ofstream(project / "dbt_project.yml")
      << "name: formulas\nversion: '1.0'\nconfig-version: 2\nmodel-paths: [models]\nmacro-paths: [macros]\n";
  const std::string table = "default." + home.unique_name("formulas");
  std::ofstream(project / "models" / "all.sql")
      << "with graded as (select *, {{ percentiles('a', ' over ()') }} as p from " << table
      << ")\nselect i, {{ engagement_rate('a', 'b', 'c') }}, {{ engagement_rate_by_views('a', 'b', 'c') }}, "
         "{{ reels_reach('a', 'b') }}, {{ static_reach('a') }}, {{ story_reach('a', 'b') }}, {{ follower_group('a') "
         "}}, "
         "{{ size_label('a') }}, {{ grade('a', 'p') }} from graded order by i";
  http::Client http;
  warehouse::Client client(http, warehouse_url());
  const auto all = inputs();
  std::string rows;
  for (size_t i = 0; i < all.size(); ++i) {
    json::object row;
    row["i"] = i;
    for (size_t c = 0; c < 3; ++c) {
      const std::string name(1, char('a' + c));
      // Whole numbers with all their digits: the engine reads 2.670793E6 fast, not exactly (docs/traps.md).
      if (all[i][c] && std::abs(*all[i][c]) < 1e15 && *all[i][c] == std::floor(*all[i][c]))
        row[name] = int64_t(*all[i][c]);
      else if (all[i][c])
        row[name] = *all[i][c];
      else
        row[name] = nullptr;
    }
    rows += json::serialize(row) + "\n";
  }
  (void)client.query_blocking(
      "CREATE TABLE " + table +
          " (i UInt32, a Nullable(Float64), b Nullable(Float64), c Nullable(Float64)) ENGINE = MergeTree "
          "ORDER BY i",
      "TabSeparated");
  (void)client.insert_blocking(table, "JSONEachRow", rows);
  const Compiler compiler(project, Target());
  const auto sql = compiler.compile(compiler.node("model.formulas.all")).sql;
  const std::string answer = client.query_blocking(sql, "TabSeparated");
  (void)client.query_blocking("DROP TABLE " + table, "TabSeparated");

  std::vector<double> values;
  for (const auto& row : all)
    if (row[0]) values.push_back(*row[0]);
  const auto percentiles = insights::percentiles(values);
  const auto lines = split(answer, '\n');
  ASSERT_GE(lines.size(), all.size());
  for (size_t i = 0; i < all.size(); ++i) {
    const auto cells = split(lines[i], '\t');
    ASSERT_EQ(cells.size(), 9u) << lines[i];
    const auto &a = all[i][0], &b = all[i][1], &c = all[i][2];
    const auto where = [&] {
      return testing::Message() << "row " << lines[i] << " of " << a.value_or(NAN) << ", " << b.value_or(NAN) << ", "
                                << c.value_or(NAN);
    };
    const std::array<double, 5> numbers{insights::engagement_rate(a, b, c), insights::engagement_rate_by_views(a, b, c),
                                        insights::reels_reach(a, b), insights::static_reach(a),
                                        insights::story_reach(a, b)};
    for (size_t n = 0; n < numbers.size(); ++n) {
      const double got = std::stod(std::string(cells[n + 1]));
      EXPECT_TRUE(std::isfinite(got) && got >= 0) << where();
      EXPECT_NEAR(got, numbers[n], 1e-12 * std::max(1.0, numbers[n])) << where() << ", formula " << n;
    }
    const auto word = [&](size_t at) { return cells[at] == "\\N" ? std::string_view() : cells[at]; };
    EXPECT_EQ(word(6), insights::follower_group(a)) << where();
    EXPECT_EQ(word(7), insights::size_label(a)) << where();
    EXPECT_EQ(word(8), insights::grade(a, percentiles)) << where();
    if (HasFailure()) break;
  }
}

}  // namespace
}  // namespace dalgona::stir
