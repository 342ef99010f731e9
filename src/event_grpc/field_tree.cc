#include "event_grpc/field_tree.h"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace dalgona::event_grpc {

using events::Field;
using events::FieldType;

FieldTree::FieldTree(const events::Stream& s) : stream(s), slots(s.fields.size()), scratch(s.fields.size()) {
  nodes.emplace_back();
  for (size_t i = 0; i < s.fields.size(); ++i) {
    const Field& f = s.fields[i];
    if (f.derived()) continue;
    if (f.type == FieldType::kRest || f.type == FieldType::kJson) built_.push_back(i);
    const size_t at = place(f.path);
    (f.type == FieldType::kRest ? nodes[at].rest : nodes[at].leaf) = int(i);
    for (const auto& other : f.also) nodes[place(other)].leaf = int(i);
  }
}

void FieldTree::clear() {
  for (auto& slot : slots) slot.given = slot.seen = false;
  for (const size_t at : built_) scratch[at].clear();
}

// The node of a path, made when it is new.
size_t FieldTree::place(const std::vector<std::string>& path) {
  size_t at = 0;
  for (const auto& part : path) {
    size_t next = 0;
    for (const auto& child : nodes[at].children)
      if (child.name() == part) next = child.node;
    if (next == 0) {
      next = nodes.size();
      FieldNode node;
      node.path = nodes[at].path.empty() ? part : nodes[at].path + "." + part;
      nodes.push_back(std::move(node));
      FieldNode::Child child;
      child.quoted = part + '"';
      child.node = next;
      const size_t head = std::min(child.quoted.size(), sizeof child.head);
      std::memcpy(&child.head, child.quoted.data(), head);
      std::memset(&child.mask, 0xff, head);
      nodes[at].children.push_back(std::move(child));
    }
    at = next;
  }
  return at;
}

namespace {

int two_digits(const char* p) {
  return (p[0] - '0') * 10 + (p[1] - '0');
}
bool all_digits(const char* p, int n) {
  for (int i = 0; i < n; ++i)
    if (p[i] < '0' || p[i] > '9') return false;
  return true;
}

}  // namespace

std::optional<int64_t> plain_time(std::string_view t) {
  const char* p = t.data();
  if (t.size() < 19 || p[4] != '-' || p[7] != '-' || (p[10] != ' ' && p[10] != 'T') || p[13] != ':' || p[16] != ':' ||
      !all_digits(p, 4) || !all_digits(p + 5, 2) || !all_digits(p + 8, 2) || !all_digits(p + 11, 2) ||
      !all_digits(p + 14, 2) || !all_digits(p + 17, 2))
    return {};
  int64_t micros = 0;
  size_t at = 19;
  if (at < t.size() && p[at] == '.') {
    int64_t scale = 100000;
    for (++at; at < t.size() && p[at] >= '0' && p[at] <= '9' && scale > 0; ++at, scale /= 10)
      micros += (p[at] - '0') * scale;
  }
  if (at < t.size() && p[at] == 'Z') ++at;
  if (at != t.size()) return {};
  using namespace std::chrono;
  const year_month_day date{year(two_digits(p) * 100 + two_digits(p + 2)), month(unsigned(two_digits(p + 5))),
                            day(unsigned(two_digits(p + 8)))};
  const int h = two_digits(p + 11), m = two_digits(p + 14), s = two_digits(p + 17);
  if (!date.ok() || h > 23 || m > 59 || s > 59) return {};
  const int64_t days = sys_days(date).time_since_epoch().count();
  return ((days * 24 + h) * 60 + m) * 60'000'000 + s * 1'000'000 + micros;
}

}  // namespace dalgona::event_grpc
