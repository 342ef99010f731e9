// The model's file: JSON, one variant a line, so that a retraining reads as a diff.
#include <cmath>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/errors.h"
#include "base/resources.h"
#include "fake_follower/model.h"

namespace dalgona::fake_follower {
namespace {

namespace json = boost::json;
constexpr std::string_view kFormat = "dalgona.follower_model";

// In the order of their bits.
constexpr std::array<Input, 6> kOptional{Input::kFollowers, Input::kFollowings, Input::kPosts,
                                         Input::kBioLength, Input::kHasPicture, Input::kIsPrivate};

json::value to_json(const std::optional<double>& number) {
  return number ? json::value(*number) : json::value(nullptr);
}

json::array to_json(const std::vector<double>& numbers) {
  return json::array(numbers.begin(), numbers.end());
}

// Reads the parts of a file and says where what is wrong stands.
class Reader {
 public:
  explicit Reader(std::string_view name) : name_(name) {}

  [[noreturn]] void refuse(std::string_view what) const { throw InvalidInput(fmt::format("{}: {}", name_, what)); }
  const json::value& at(const json::object& object, std::string_view key) const {
    const json::value* found = object.if_contains(key);
    if (!found) refuse(fmt::format("'{}' is missing", key));
    return *found;
  }
  const json::object& object(const json::value& value, std::string_view key) const {
    if (!value.is_object()) refuse(fmt::format("'{}' is not an object", key));
    return value.get_object();
  }
  const json::array& array(const json::object& object, std::string_view key) const {
    const json::value& value = at(object, key);
    if (!value.is_array()) refuse(fmt::format("'{}' is not a list", key));
    return value.get_array();
  }
  std::string text(const json::object& object, std::string_view key) const {
    const json::value& value = at(object, key);
    if (!value.is_string()) refuse(fmt::format("'{}' is not a text", key));
    return std::string(value.get_string());
  }
  double number(const json::value& value, std::string_view key) const {
    if (!value.is_number()) refuse(fmt::format("'{}' is not a number", key));
    const double number = value.to_number<double>();
    if (!std::isfinite(number)) refuse(fmt::format("'{}' is not finite", key));
    return number;
  }
  double number(const json::object& object, std::string_view key) const { return number(at(object, key), key); }
  uint64_t count(const json::object& object, std::string_view key) const {
    const double value = number(object, key);
    if (value < 0 || value != std::floor(value) || value > 9e15) refuse(fmt::format("'{}' is not a count", key));
    return static_cast<uint64_t>(value);
  }
  std::optional<double> threshold(const json::object& object, std::string_view key) const {
    const json::value& value = at(object, key);
    if (value.is_null()) return std::nullopt;
    const double number = this->number(value, key);
    if (number < 0 || number > 1) refuse(fmt::format("'{}' is no probability", key));
    return number;
  }
  std::vector<double> numbers(const json::object& object, std::string_view key) const {
    std::vector<double> out;
    for (const json::value& value : array(object, key)) out.push_back(number(value, key));
    return out;
  }

 private:
  std::string name_;
};

json::object scale_to_json(Input input, const Scale& scale) {
  return {{"input", name_of(input)},
          {"transform", scale.logarithm ? "log1p" : "linear"},
          {"knots", to_json(scale.knots)},
          {"means", to_json(scale.means)},
          {"deviations", to_json(scale.deviations)}};
}

Scale scale_from_json(const Reader& reader, Input input, const json::object& object) {
  if (reader.text(object, "input") != name_of(input))
    reader.refuse(fmt::format("the scale of '{}' is missing or out of order", name_of(input)));
  const std::string transform = reader.text(object, "transform");
  if (transform != "log1p" && transform != "linear") reader.refuse("'transform' is neither log1p nor linear");
  Scale scale{transform == "log1p", reader.numbers(object, "knots"), reader.numbers(object, "means"),
              reader.numbers(object, "deviations")};
  if (scale.means.size() != scale.columns() || scale.deviations.size() != scale.columns())
    reader.refuse("a scale has not as many means and deviations as columns");
  for (size_t k = 1; k < scale.knots.size(); ++k)
    if (scale.knots[k] <= scale.knots[k - 1]) reader.refuse("knots do not ascend");
  for (const double deviation : scale.deviations)
    if (deviation <= 0) reader.refuse("a deviation is not above 0");
  return scale;
}

json::object variant_to_json(size_t known, const Variant& v) {
  json::array names;
  for (size_t bit = 0; bit < kOptional.size(); ++bit)
    if (known >> bit & 1) names.emplace_back(name_of(kOptional[bit]));
  return {{"known", names},
          {"intercept", v.intercept},
          {"weights", to_json(v.weights)},
          {"penalty", v.penalty},
          {"real_below", to_json(v.real_below)},
          {"weak_below", to_json(v.weak_below)},
          {"fake_from", to_json(v.fake_from)},
          {"out_of_fold",
           {{"auc", v.auc},
            {"true_fake", v.true_fake},
            {"missed_fake", v.missed_fake},
            {"false_fake", v.false_fake},
            {"true_real", v.true_real}}}};
}

size_t known_from_json(const Reader& reader, const json::object& object) {
  size_t known = 0;
  for (const json::value& value : reader.array(object, "known")) {
    size_t bit = 0;
    while (bit < kOptional.size() && !(value.is_string() && value.get_string() == name_of(kOptional[bit]))) ++bit;
    if (bit == kOptional.size()) reader.refuse("'known' names an input that this program does not know");
    known |= size_t{1} << bit;
  }
  return known;
}

Variant variant_from_json(const Reader& reader, size_t columns, const json::object& object) {
  Variant v;
  v.intercept = reader.number(object, "intercept");
  v.weights = reader.numbers(object, "weights");
  if (v.weights.size() != columns) reader.refuse(fmt::format("a variant needs {} weights", columns));
  v.penalty = reader.number(object, "penalty");
  v.real_below = reader.threshold(object, "real_below");
  v.weak_below = reader.threshold(object, "weak_below");
  v.fake_from = reader.threshold(object, "fake_from");
  const double real = v.real_below.value_or(0), weak = v.weak_below.value_or(real), fake = v.fake_from.value_or(1);
  if (real > weak || weak > fake) reader.refuse("the verdicts' thresholds do not ascend");
  const json::object& fold = reader.object(reader.at(object, "out_of_fold"), "out_of_fold");
  v.auc = reader.number(fold, "auc");
  v.true_fake = reader.number(fold, "true_fake");
  v.missed_fake = reader.number(fold, "missed_fake");
  v.false_fake = reader.number(fold, "false_fake");
  v.true_real = reader.number(fold, "true_real");
  if (std::min({v.true_fake, v.missed_fake, v.false_fake, v.true_real}) < 0) reader.refuse("a count is negative");
  return v;
}

}  // namespace

std::string Model::serialize() const {
  const json::object trained_on{{"fake", source_.fake},
                                {"real", source_.real},
                                {"fake_file", source_.fake_sha256},
                                {"real_file", source_.real_sha256},
                                {"seed", source_.seed}};
  std::string body = "{\"trained_on\":" + json::serialize(trained_on) + ",\n\"scales\":[\n";
  for (size_t i = 0; i < kInputs; ++i) {
    body += json::serialize(scale_to_json(static_cast<Input>(i), scales_[i]));
    body += i + 1 < kInputs ? ",\n" : "\n";
  }
  body += "],\n\"variants\":[\n";
  bool first = true;
  for (size_t known = 0; known < kKnownSets; ++known) {
    if (!variants_[known]) continue;
    if (!first) body += ",\n";
    first = false;
    body += json::serialize(variant_to_json(known, *variants_[known]));
  }
  body += "\n]}";
  // Of the content, not of its spacing: a file that a formatter or Git touched stays good.
  const std::string checksum = checksum_of(json::serialize(json::parse(body)));
  return fmt::format("{{\"format\":\"{}\",\n\"version\":{},\n\"checksum\":\"{}\",\n\"model\":{}}}\n", kFormat, kVersion,
                     checksum, body);
}

Model Model::parse(std::string_view text, std::string_view name) {
  const Reader reader(name);
  boost::system::error_code error;
  const json::value document = json::parse(text, error);
  if (error) reader.refuse("damaged, not JSON: " + error.message());
  const json::object& file = reader.object(document, "the file");
  if (reader.text(file, "format") != kFormat) reader.refuse(fmt::format("not a follower model ('{}')", kFormat));
  const uint64_t version = reader.count(file, "version");
  if (version > kVersion)
    reader.refuse(fmt::format("version {} was written by a newer dalgona; this one reads up to {}", version, kVersion));
  if (version < 1) reader.refuse("version 0 does not exist");
  const json::value& body = reader.at(file, "model");
  if (checksum_of(json::serialize(body)) != reader.text(file, "checksum"))
    reader.refuse("damaged: the checksum does not fit the content");

  const json::object& model = reader.object(body, "model");
  const json::object& trained_on = reader.object(reader.at(model, "trained_on"), "trained_on");
  Source source{reader.count(trained_on, "fake"), reader.count(trained_on, "real"),
                reader.text(trained_on, "fake_file"), reader.text(trained_on, "real_file"),
                reader.count(trained_on, "seed")};
  const json::array& scale_list = reader.array(model, "scales");
  if (scale_list.size() != kInputs) reader.refuse(fmt::format("{} scales are needed", kInputs));
  std::array<Scale, kInputs> scales;
  for (size_t i = 0; i < kInputs; ++i)
    scales[i] = scale_from_json(reader, static_cast<Input>(i), reader.object(scale_list[i], "scales"));
  std::array<std::optional<Variant>, kKnownSets> variants;
  for (const json::value& value : reader.array(model, "variants")) {
    const json::object& object = reader.object(value, "variants");
    const size_t known = known_from_json(reader, object);
    size_t columns = 0;
    for (size_t i = 0; i < kInputs; ++i)
      if (knows(static_cast<Known>(known), static_cast<Input>(i))) columns += scales[i].columns();
    if (variants[known]) reader.refuse("a variant is there twice");
    variants[known] = variant_from_json(reader, columns, object);
  }
  for (size_t known = 0; known < kKnownSets; ++known)
    if (!variants[known]) reader.refuse(fmt::format("the variant for the set of inputs {} is missing", known));
  return {std::move(source), std::move(scales), std::move(variants)};
}

Model Model::load(const std::filesystem::path& path) {
  return parse(read_file(path), path.string());
}

}  // namespace dalgona::fake_follower
