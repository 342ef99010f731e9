#include "beat/catalogue.h"

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/resources.h"

namespace dalgona::beat {
namespace {

constexpr const char* kSources = "sources:\n  s:\n    platform: P\n    api: youtube\n    base_url: http://x/\n";
constexpr const char* kFlows =
    "flows:\n  f:\n    platform: P\n    sources: [s]\n    params:\n      ids: {type: list, required: true, min: 1, "
    "max: 2, pattern: \"[a-z]+\"}\n"
    "      n: {type: int, min: 1, max: 9, default: 3}\n      t: {type: text}\n";

std::string refusal(const std::string& flows, const std::string& sources) {
  try {
    Catalogue::parse(flows, "flows.yaml", sources, "sources.yaml");
  } catch (const InvalidInput& e) {
    return e.what();
  }
  return "accepted";
}

TEST(Catalogue, TheShippedFilesAreGood) {
  const auto read = [](const char* name) { return read_file(resource(std::string("config/") + name)); };
  const Catalogue catalogue = Catalogue::parse(read("flows.yaml"), "flows.yaml", read("sources.yaml"), "sources.yaml");
  EXPECT_EQ(catalogue.flow("refresh_yt_profiles").platform, "YOUTUBE");
  EXPECT_EQ(catalogue.flows().size(), 4u);
  const Source& youtube = catalogue.source("youtube_data_api");
  EXPECT_EQ(youtube.quota_reset_zone, "America/Los_Angeles");
  EXPECT_FALSE(youtube.trust_date);
}

TEST(Catalogue, RefusesWithFileLineAndNearestWord) {
  EXPECT_EQ(refusal(kFlows, kSources), "accepted");
  EXPECT_EQ(refusal(kFlows, std::string(kSources) + "    base_ulr: y\n"),
            "sources.yaml:6: sources.s: unknown key 'base_ulr', did you mean 'base_url'?");
  EXPECT_EQ(refusal("flows:\n  f:\n    platform: P\n    sources: [sx]\n", kSources),
            "flows.yaml:4: flows.f: sources: no source 'sx', did you mean 's'?");
  EXPECT_NE(refusal("flows:\n  f:\n    platform: P\n", kSources).find("flows.yaml:3: flows.f: sources"),
            std::string::npos);
  EXPECT_NE(refusal("flows: [\n", kSources).find("flows.yaml:"), std::string::npos);
  EXPECT_NE(refusal(kFlows, "sources:\n  s: {platform: P, api: yotube, base_url: http://x}\n")
                .find("did you mean 'youtube'?"),
            std::string::npos);
  EXPECT_NE(refusal(kFlows, std::string(kSources) + "    limits: [{amount: 0, per: 1s}]\n").find("sources.yaml:6"),
            std::string::npos);
  EXPECT_NE(refusal(kFlows, std::string(kSources) + "    timeout: soon\n").find("sources.yaml:6"), std::string::npos);
}

TEST(Catalogue, ASimulatedSourceIsAskedElsewhereAndItsDateIsTrusted) {
  Catalogue catalogue = Catalogue::parse(kFlows, "f", kSources, "s");
  catalogue.simulate({"s=http://127.0.0.1:9/"}, std::chrono::seconds{2});
  EXPECT_EQ(catalogue.source("s").base_url, "http://127.0.0.1:9");
  EXPECT_TRUE(catalogue.source("s").trust_date);
  EXPECT_THROW(catalogue.simulate({"s"}, std::chrono::seconds{2}), InvalidInput);
  EXPECT_THROW(catalogue.simulate({"t=http://x"}, std::chrono::seconds{2}), InvalidInput);
}

TEST(Catalogue, ChecksParametersAndFillsInDefaults) {
  const Catalogue catalogue = Catalogue::parse(kFlows, "f", kSources, "s");
  const Flow& flow = catalogue.flow("f");
  EXPECT_EQ(boost::json::serialize(check_params(flow, R"({"ids":["a","b"],"n":"4"})")), R"({"ids":["a","b"],"n":4})");
  EXPECT_EQ(check_params(flow, R"({"ids":["a"]})").at("n").as_int64(), 3);
  for (const char* bad :
       {"", "[]", "{", "{}", R"({"ids":[]})", R"({"ids":["a","b","c"]})", R"({"ids":["A"]})", R"({"ids":"a"})",
        R"({"ids":[1]})", R"({"ids":["a"],"n":10})", R"({"ids":["a"],"n":1.5})", R"({"ids":["a"],"n":"x"})",
        R"({"ids":["a"],"t":1})", R"({"ids":["a"],"x":1})", R"({"ids":null})"})
    EXPECT_THROW(check_params(flow, bad), InvalidInput) << bad;
  try {
    check_params(flow, R"({"idz":["a"]})");
    FAIL();
  } catch (const InvalidInput& e) {
    EXPECT_STREQ(e.what(), "f: unknown parameter 'idz', did you mean 'ids'?");
  }
  EXPECT_THROW(catalogue.flow("g"), InvalidInput);
}

}  // namespace
}  // namespace dalgona::beat
