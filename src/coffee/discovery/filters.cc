#include "coffee/discovery/filters.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "base/errors.h"
#include "base/text.h"
#include "coffee/api/body.h"

namespace dalgona::coffee::discovery {
namespace {

namespace json = boost::json;

enum class Type { kText, kCount, kNumber, kTime };
enum Op : unsigned { kEq = 1, kIn = 2, kGte = 4, kLte = 8, kLike = 16 };

struct Field {
  std::string_view name;
  Type type;
  unsigned ops;
  std::string_view column;
  // What LIKE looks into, as the trigram index has it; empty: nothing.
  std::string_view like, like_too = {};
  bool of_leaderboard = false;
};

constexpr std::string_view kTitle = "(' ' || p.title)", kHandle = "(' ' || p.handle)";
constexpr std::array kFields{
    Field{"name", Type::kText, kLike, "", kTitle, kHandle},
    Field{"title", Type::kText, kEq | kIn | kLike, "p.title", kTitle},
    Field{"handle", Type::kText, kEq | kIn | kLike, "p.handle", kHandle},
    Field{"platformProfileId", Type::kText, kEq | kIn, "p.profile_id", ""},
    Field{"country", Type::kText, kEq | kIn, "p.country", ""},
    Field{"category", Type::kText, kEq | kIn, "f.category", "", "", true},
    Field{"language", Type::kText, kEq | kIn, "f.language", "", "", true},
    // Counts that are not known stand as -1 in the indexes.
    Field{"followers", Type::kCount, kEq | kIn | kGte | kLte, "coalesce(p.followers, -1)", ""},
    Field{"views", Type::kCount, kEq | kIn | kGte | kLte, "coalesce(p.views, -1)", ""},
    Field{"uploads", Type::kCount, kEq | kIn | kGte | kLte, "coalesce(p.uploads, -1)", ""},
    Field{"engagementRate", Type::kNumber, kGte | kLte, "f.engagement_rate", "", "", true},
    Field{"publishedAt", Type::kTime, kGte | kLte, "coalesce(p.published_at, '-infinity'::timestamptz)", ""},
    Field{"observedAt", Type::kTime, kGte | kLte, "p.observed_at", ""},
};

struct OpName {
  std::string_view name;
  Op op;
};
constexpr std::array kOps{OpName{"EQ", kEq}, OpName{"IN", kIn}, OpName{"GTE", kGte}, OpName{"LTE", kLte},
                          OpName{"LIKE", kLike}};

std::vector<std::string> field_names() {
  std::vector<std::string> names;
  for (const Field& field : kFields) names.emplace_back(field.name);
  return names;
}

std::vector<std::string> op_names(unsigned ops) {
  std::vector<std::string> names;
  for (const OpName& each : kOps)
    if (ops & each.op) names.emplace_back(each.name);
  return names;
}

// One value as the parameter that PostgreSQL takes.
std::string value_text(const Field& field, const json::value& value, const std::string& what) {
  switch (field.type) {
    case Type::kText:
      if (!value.is_string()) throw InvalidInput(what + " must be a text");
      return checked_text(std::string(value.get_string()), what);
    case Type::kCount:
      if (!value.is_int64()) throw InvalidInput(what + " must be a whole number");
      return std::to_string(value.get_int64());
    case Type::kNumber: {
      const bool number = value.is_number() && std::isfinite(value.to_number<double>());
      if (!number) throw InvalidInput(what + " must be a number");
      return fmt::format("{}", value.to_number<double>());
    }
    case Type::kTime: {
      if (!value.is_string()) throw InvalidInput(what + " must be a date or moment");
      try {
        return to_iso(parse_time(checked_text(std::string(value.get_string()), what)));
      } catch (const InvalidInput& e) {
        throw InvalidInput(what + ": " + e.what());
      }
    }
  }
  throw Permanent("a filter field without a type");
}

std::string_view sql_type(Type type) {
  switch (type) {
    case Type::kText:
      return "text";
    case Type::kCount:
      return "bigint";
    case Type::kNumber:
      return "float8";
    case Type::kTime:
      return "timestamptz";
  }
  return "text";
}

std::string like_sql(const Field& field, size_t parameter) {
  const auto one = [&](std::string_view expression) { return fmt::format("{} ILIKE ${}", expression, parameter); };
  if (field.like_too.empty()) return one(field.like);
  return fmt::format("({} OR {})", one(field.like), one(field.like_too));
}

std::string condition_of(const Field& field, Op op, const json::value& value, const std::string& what,
                         postgres::Params& params) {
  const std::string_view type = sql_type(field.type);
  if (op == kLike) {
    const std::string text = value_text(field, value, what);
    if (trim(text).empty()) throw InvalidInput(what + " is empty");
    params.emplace_back(like_pattern(text));
    return like_sql(field, params.size());
  }
  if (op == kIn) {
    if (!value.is_array() || value.get_array().empty() || value.get_array().size() > kMaxInList)
      throw InvalidInput(fmt::format("{} must be a list of 1 to {} values", what, kMaxInList));
    std::vector<std::string> items;
    for (size_t i = 0; i < value.get_array().size(); ++i)
      items.push_back(value_text(field, value.get_array()[i], fmt::format("{}[{}]", what, i)));
    params.emplace_back(postgres::array(items));
    return fmt::format("{} = any(${}::{}[])", field.column, params.size(), type);
  }
  params.emplace_back(value_text(field, value, what));
  const std::string bound = fmt::format("${}::{}", params.size(), type);
  if (op == kEq) return fmt::format("{} = {}", field.column, bound);
  if (op == kGte) return fmt::format("{} >= {}", field.column, bound);
  // What is not known is not less than anything.
  if (field.type == Type::kCount) return fmt::format("{0} BETWEEN 0 AND {1}", field.column, bound);
  if (field.type == Type::kTime) return fmt::format("{0} > '-infinity' AND {0} <= {1}", field.column, bound);
  return fmt::format("{} <= {}", field.column, bound);
}

}  // namespace

std::string like_pattern(std::string_view text) {
  std::string escaped;
  size_t characters = 0;
  for (const char c : text) {
    if (c == '%' || c == '_' || c == '\\') escaped += '\\';
    escaped += c;
    characters += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }
  return (characters < 3 ? "% " : "%") + escaped + "%";
}

FilterSql filters_to_sql(const json::array* filters, postgres::Params& params) {
  FilterSql sql;
  if (!filters) return sql;
  if (filters->size() > kMaxFilters) throw InvalidInput(fmt::format("filters: at most {}", kMaxFilters));
  static const std::vector<std::string> kFieldNames = field_names(), kKeys{"filterType", "field", "value"};
  static const std::vector<std::string> kAllOps = op_names(~0U);
  for (size_t i = 0; i < filters->size(); ++i) {
    const std::string at = fmt::format("filters[{}]", i);
    const json::value& filter = (*filters)[i];
    if (!filter.is_object()) throw InvalidInput(at + " must be {filterType, field, value}");
    for (const auto& member : filter.get_object()) known_word(std::string(member.key()), kKeys, at, "key");
    const auto word = [&](std::string_view key) {
      const json::value* value = filter.get_object().if_contains(key);
      if (!value || !value->is_string()) throw InvalidInput(fmt::format("{}.{} must be a text", at, key));
      return checked_text(std::string(value->get_string()), fmt::format("{}.{}", at, key));
    };
    const std::string name = known_word(word("field"), kFieldNames, at + ".field", "field");
    const Field& field = *std::find_if(kFields.begin(), kFields.end(), [&](const Field& f) { return f.name == name; });
    const std::string type = known_word(word("filterType"), kAllOps, at + ".filterType", "filter type");
    const Op op = std::find_if(kOps.begin(), kOps.end(), [&](const OpName& each) { return each.name == type; })->op;
    if (!(field.ops & op))
      throw InvalidInput(
          fmt::format("{}.filterType: {} takes {}, not {}", at, name, fmt::join(op_names(field.ops), ", "), type));
    const json::value* value = filter.get_object().if_contains("value");
    if (!value || value->is_null()) throw InvalidInput(at + ".value is missing");
    sql.condition += (sql.condition.empty() ? "" : " AND ") + condition_of(field, op, *value, at + ".value", params);
    sql.needs_leaderboard = sql.needs_leaderboard || field.of_leaderboard;
  }
  return sql;
}

}  // namespace dalgona::coffee::discovery
