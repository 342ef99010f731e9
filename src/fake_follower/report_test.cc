#include "fake_follower/report.h"

#include <cmath>
#include <filesystem>
#include <fstream>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/cli.h"
#include "base/errors.h"
#include "base/resources.h"
#include "base/text.h"
#include "fake_follower/cli.h"

namespace dalgona::fake_follower {
namespace {

const Model& shipped_model() {
  static const Model model = Model::load(resource("config/models/follower.json"));
  return model;
}

// Every third one knows only the handle, every third one looks bought.
Follower made_up_follower(uint64_t i) {
  Follower f;
  f.handle = i % 5 == 0 ? fmt::format("user{}", i * 7919) : fmt::format("asha_{}", i % 10);
  f.full_name = i % 2 == 0 ? "Asha Kumar" : "Ravi";
  f.account = Account::of_handle(f.handle);
  if (i % 3 == 0) return f;
  const bool bought = i % 3 == 1;
  f.account.followers = static_cast<double>(bought ? i % 20 : 300 + i % 500);
  f.account.followings = static_cast<double>(bought ? 3000 + i % 2000 : 300 + i % 300);
  f.account.posts = static_cast<double>(bought ? 0 : 50 + i % 100);
  f.account.bio_length = static_cast<double>(bought ? 0 : 40);
  f.account.has_picture = !bought;
  f.account.is_private = !bought;
  return f;
}

// Without printing the whole page when it fails.
bool holds(std::string_view page, std::string_view text) {
  return page.find(text) != std::string_view::npos;
}

class Counter {
 public:
  explicit Counter(size_t samples = 10, uint64_t seed = 1) : tally(samples, seed) {}
  void add(uint64_t line, const Follower& f) {
    tally.add(line, f, extractor_.extract(f.handle, f.full_name), shipped_model().predict(f.account));
  }
  FollowerTally tally;

 private:
  FeatureExtractor extractor_{std::make_shared<const NameIndex>(std::vector<std::string>{})};
};

TEST(Report, CountsEveryFollowerOnceInEveryBreakdown) {
  Counter c;
  for (uint64_t i = 1; i <= 3000; ++i) c.add(i, made_up_follower(i));
  c.tally.add_bad(3001, "not JSON");
  const auto document = boost::json::parse(to_json(c.tally, shipped_model(), {"x"})).as_object();
  const auto sum_of = [](const boost::json::object& shares) {
    double sum = 0;
    for (const auto& [name, share] : shares) sum += share.at("count").to_number<double>();
    return sum;
  };
  EXPECT_EQ(document.at("followers"), 3000);
  EXPECT_EQ(document.at("bad_lines").at("count"), 1);
  EXPECT_EQ(sum_of(document.at("rule").as_object()), 3000);
  EXPECT_EQ(sum_of(document.at("model").as_object()), 3000);
  double bars = 0, table = 0;
  for (const auto& bar : document.at("histogram").as_array())
    for (const char* verdict : {"real", "weak", "unsure", "fake"}) bars += bar.at(verdict).to_number<double>();
  for (const auto& [rule, row] : document.at("rule_and_model").as_object())
    for (const auto& [model, count] : row.as_object()) table += count.to_number<double>();
  EXPECT_EQ(bars, 3000);
  EXPECT_EQ(table, 3000);
  // A third each: only the handle is known, bought, real.
  EXPECT_EQ(document.at("model").at("unsure").at("count"), 1000);
  EXPECT_EQ(document.at("model").at("fake").at("count"), 1000);
  EXPECT_EQ(document.at("model").at("real").at("count"), 1000);
  EXPECT_EQ(document.at("reasons").at("model").at(2).at("known"), 2000);
  EXPECT_EQ(document.at("samples").at("model").at("fake").as_array().size(), 10u);
}

TEST(Report, IsTheSameHoweverTheFollowersWereDividedAmongThreads) {
  Counter whole;
  std::array<Counter, 3> parts;
  for (uint64_t i = 1; i <= 2000; ++i) {
    whole.add(i, made_up_follower(i));
    parts[(i * i / 7) % 3].add(i, made_up_follower(i));
  }
  FollowerTally one(10, 1), other(10, 1);
  for (const auto& part : parts) one.merge(part.tally);
  for (size_t i = 3; i-- > 0;) other.merge(parts[i].tally);
  const std::string expected = to_json(whole.tally, shipped_model(), {"x"});
  EXPECT_EQ(to_json(one, shipped_model(), {"x"}), expected);
  EXPECT_EQ(to_json(other, shipped_model(), {"x"}), expected);
  EXPECT_EQ(to_html(one, shipped_model(), {"x"}), to_html(whole.tally, shipped_model(), {"x"}));
}

TEST(Report, SamplesAreDrawnEvenly) {
  std::array<int, 10> tenths{};
  for (uint64_t seed = 0; seed < 400; ++seed) {
    Counter c(5, seed);
    for (uint64_t i = 1; i <= 300; ++i) c.add(i, made_up_follower(3 * i));
    const auto samples = c.tally.samples_by_model(Verdict::kUnsure);
    ASSERT_EQ(samples.size(), 5u);
    for (size_t k = 0; k < samples.size(); ++k) {
      ++tenths[(samples[k].line - 1) / 30];
      if (k > 0) {
        EXPECT_LT(samples[k - 1].line, samples[k].line);
      }
    }
  }
  for (const int count : tenths) EXPECT_NEAR(count, 200, 60);  // more than four standard deviations
  Counter none(0, 1);
  none.add(1, made_up_follower(1));
  EXPECT_TRUE(none.tally.samples_by_model(Verdict::kFake).empty());
}

TEST(Report, KeepsMemoryBoundedForHugeNames) {
  Counter c;
  Follower f = made_up_follower(1);
  f.handle = std::string(1 << 20, 'a');
  f.full_name = std::string(1 << 20, 'b');
  c.add(1, f);
  const auto samples = c.tally.samples_by_model(Verdict::kFake);
  ASSERT_EQ(samples.size(), 1u);
  EXPECT_EQ(samples[0].handle.size(), kLongestName);
  for (uint64_t i = 0; i < 100; ++i) c.tally.add_bad(i, std::string(1000, 'x'));
  EXPECT_EQ(c.tally.bad, 100u);
  EXPECT_EQ(c.tally.bad_lines.size(), 10u);
  EXPECT_EQ(c.tally.bad_lines.back().reason.size(), 200u);
}

TEST(CorrectedShare, CoversTheTruth) {
  // Draws the test accounts and the followers anew each time: the interval must hold the truth nineteen times in
  // twenty.
  Random random(17);
  const auto draw = [&](int trials, double chance) {
    int hits = 0;
    for (int i = 0; i < trials; ++i) hits += static_cast<double>(random.next() >> 11) * 0x1p-53 < chance;
    return static_cast<double>(hits);
  };
  struct Case {
    double truth, sensitivity, specificity;
    int followers;
  };
  for (const Case& c : {Case{0.25, 0.88, 0.985, 2000}, Case{0.05, 0.88, 0.985, 20000}, Case{0.6, 0.24, 0.97, 5000},
                        Case{0.0, 0.85, 0.97, 500}, Case{0.9, 0.6, 0.9, 300}}) {
    int covered = 0;
    for (int round = 0; round < 500; ++round) {
      const double hit = draw(140, c.sensitivity), right = draw(694, c.specificity);
      const double called = draw(c.followers, c.truth * c.sensitivity + (1 - c.truth) * (1 - c.specificity));
      const Interval i = rogan_gladen(called, c.followers, hit, 140 - hit, 694 - right, right);
      covered += i.low <= c.truth && c.truth <= i.high;
      EXPECT_LE(i.low, i.value);
      EXPECT_GE(i.high, i.value);
    }
    EXPECT_GE(covered, 460) << c.truth << " " << c.sensitivity;
  }
}

TEST(CorrectedShare, IsOpenWhereCallsTellNothing) {
  for (const Interval& i :
       {rogan_gladen(5, 10, 10, 130, 60, 634), rogan_gladen(0, 0, 100, 40, 10, 684), rogan_gladen(1, 2, 0, 0, 0, 0)}) {
    EXPECT_EQ(i.low, 0);
    EXPECT_EQ(i.high, 1);
  }
}

TEST(CorrectedShare, SaysNothingMuchOfHandlesAlone) {
  Counter c;
  for (uint64_t i = 1; i <= 500; ++i) c.add(i, made_up_follower(3 * i));
  const CorrectedShare share = corrected_share(c.tally, shipped_model());
  EXPECT_GT(share.fake.high - share.fake.low, 0.15);
  FollowerTally empty(1, 1);
  EXPECT_EQ(corrected_share(empty, shipped_model()).fake.high, 1);
  EXPECT_EQ(corrected_share(empty, shipped_model()).open, 1);
}

TEST(EscapeHtml, LeavesNothingThatHtmlReads) {
  EXPECT_EQ(escape_html("<script>alert('x')</script> & \"y\""),
            "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;y&quot;");
  EXPECT_EQ(escape_html(std::string("a\0b\x1b\x7f", 5)),
            "a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(escape_html("\xff<"), "\xEF\xBF\xBD&lt;");
  EXPECT_EQ(escape_html("आशा"), "आशा");
}

TEST(ReportPage, KeepsHostileNamesAsText) {
  Counter c(100);
  uint64_t line = 0;
  for (const char* hostile : {"<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "</table></main>",
                              "\u202Egnp.evil", "</title><svg onload=alert(1)>", "\xff\xfe<b>"}) {
    Follower f = made_up_follower(1);
    f.handle = f.full_name = hostile;
    c.add(++line, f);
    c.tally.add_bad(++line, hostile);
  }
  const std::string page = to_html(c.tally, shipped_model(), {"</title><script>alert(2)</script>"});
  EXPECT_TRUE(is_utf8(page));
  for (const char* tag : {"<script", "<img", "<b>", "onload=alert(1)>\"", "<svg onload"})
    EXPECT_FALSE(holds(page, tag)) << tag;
  EXPECT_TRUE(holds(page, "&lt;script&gt;alert(1)&lt;/script&gt;"));
  EXPECT_TRUE(holds(page, "<title>&lt;/title&gt;&lt;script&gt;"));
  // Loads nothing and runs nothing.
  for (const char* outside : {"http:", "https:", "href=", "url(", "@import", "<link", "<iframe", "<object"})
    EXPECT_FALSE(holds(page, outside)) << outside;
  EXPECT_TRUE(holds(page, "default-src 'none'"));
}

TEST(ReportPage, HasAsManyEndTagsAsStartTags) {
  Counter c;
  for (uint64_t i = 1; i <= 100; ++i) c.add(i, made_up_follower(i));
  for (const std::string& page :
       {to_html(c.tally, shipped_model(), {"x"}), to_html(FollowerTally(1, 1), shipped_model(), {""})}) {
    for (const std::string tag :
         {"section", "table", "tbody", "tr", "td", "th", "svg", "div", "p", "details", "main", "bdi"}) {
      const auto count = [&](const std::string& text) {
        size_t found = 0;
        for (size_t at = page.find(text); at != std::string::npos; at = page.find(text, at + 1)) ++found;
        return found;
      };
      EXPECT_EQ(count("<" + tag + ">") + count("<" + tag + " "), count("</" + tag + ">")) << tag;
    }
    EXPECT_FALSE(holds(page, "nan"));
  }
}

class ReportCommand : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) / fmt::format("report_{}", ::getpid());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override {
    std::filesystem::remove_all(folder_);
    cli::set_exit_code(0);
  }
  std::string write(const std::string& name, std::string_view text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return (folder_ / name).string();
  }
  // The report as JSON.
  boost::json::value run(std::vector<std::string> arguments) {
    cli::set_exit_code(0);
    const std::string out = (folder_ / "out.json").string();
    arguments.insert(arguments.begin(), {"fake-follower", "report", "--json-out", out});
    std::reverse(arguments.begin(), arguments.end());
    CLI::App app;
    register_fake_follower(app);
    app.parse(arguments);
    return boost::json::parse(read_file(out));
  }
  std::filesystem::path folder_;
};

TEST_F(ReportCommand, ReportsBadLinesByNumberAndGoesOn) {
  const std::string file = write("f.ndjson",
                                 "{\"follower_handle\":\"a\"}\n\n{\n{\"follower_handle\":\"b\",\"followers\":-1}\n"
                                 "{\"follower_handle\":\"c\"}\n\xff\xff\n{\"follower_handle\":\"d\"}");
  for (const char* threads : {"1", "3"}) {
    const auto report = run({file, "--threads", threads});
    EXPECT_EQ(report.at("followers"), 3);
    EXPECT_EQ(report.at("bad_lines").at("count"), 4);
    std::vector<int64_t> lines;
    for (const auto& bad : report.at("bad_lines").at("first").as_array())
      lines.push_back(bad.at("line").to_number<int64_t>());
    EXPECT_EQ(lines, (std::vector<int64_t>{2, 3, 4, 6}));
    EXPECT_EQ(cli::exit_code(), 3);
  }
}

TEST_F(ReportCommand, ReadsSeveralCsvFilesOnSeveralThreads) {
  std::string text = "follower_handle,follower_full_name,followers\n";
  for (int i = 0; i < 40000; ++i) text += fmt::format("asha{},Asha Kumar,{}\n", i, i % 900);
  const std::string a = write("a.csv", text), b = write("b.csv", text);
  const auto report = run({a, b, "--threads", "3"});
  EXPECT_EQ(report.at("followers"), 80000);
  EXPECT_EQ(report.at("bad_lines").at("count"), 0);
  EXPECT_EQ(cli::exit_code(), 0);
}

TEST_F(ReportCommand, RefusesAHeaderWithoutHandles) {
  std::string text = "name\n";
  for (int i = 0; i < 200000; ++i) text += "Asha Kumar\n";
  EXPECT_THROW(run({write("a.csv", text), "--threads", "3"}), InvalidInput);
  EXPECT_THROW(run({write("b.csv", std::string(2 << 20, 'x') + "\n" + text), "--threads", "3", "--longest-line", "1"}),
               InvalidInput);
}

TEST_F(ReportCommand, RefusesAModelThatIsNone) {
  EXPECT_THROW(run({write("f.ndjson", ""), "--model", write("m.json", "{}")}), InvalidInput);
  const auto report = run({write("f.ndjson", "")});
  EXPECT_EQ(report.at("followers"), 0);
  EXPECT_EQ(report.at("model").at("fake").at("high").to_number<double>(), 1);
}

}  // namespace
}  // namespace dalgona::fake_follower
