// The stream catalogue: one YAML file a stream under config/streams/. From it come the broker's topology, the
// warehouse's tables and the parser; adding a stream compiles nothing. docs/catalogue.md describes every key.
#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dalgona::events {

enum class FieldType {
  kUuid,     // UUID, in its 36-character form
  kString,   // String
  kKeyword,  // LowCardinality(String): few different values
  kInt64,    // Int64; a number without a fraction, or a string of one
  kFloat64,  // Float64; finite
  kBool,     // Bool
  kTime,     // DateTime64(6, 'UTC')
  kJson,     // String: any JSON value as its text
  kRest,     // String: the members of a group that no other field takes, as JSON text without the outer braces
};

struct Field {
  std::string name;
  FieldType type = FieldType::kString;
  // Members to follow from the event's root: {"metrics", "followers"}. For kRest the group, empty for the root.
  // One of these stands alone for what is not in the body:
  //   @id           the message's message_id when it is a UUID and the message holds one event, else a UUID made from
  //                 the event's bytes (the same bytes give the same id)
  //   @routing_key  of the delivery
  //   @body         the event's text
  std::vector<std::string> path;
  // Other places where senders put the same value; an event may use one of them.
  std::vector<std::vector<std::string>> also;
  bool required = false;         // missing or null: the event is parked
  bool nullable = false;         // Nullable column; else a missing value is "", 0 or 1970-01-01
  size_t max_length = 1u << 20;  // bytes, of text
  std::string codec;             // of the column; empty: the warehouse's own
  int digits = 6;                // of a time's fraction of a second that the warehouse keeps: 0, 3 or 6
  std::chrono::hours keep{0};    // the column's values are dropped when the row is older; 0: never

  bool derived() const { return path.size() == 1 && path[0].starts_with('@'); }
  // "metrics.followers"
  std::string path_text() const;
};

struct Rollup {
  std::string table, view;
  std::vector<std::string> by;
  std::string day;                // the time field whose day is kept
  std::vector<std::string> last;  // Int64 fields: the value of the day's latest observation that had one
};

// How events come to a stream from outside. A stream may have several ways, or none: then others publish to its
// exchange.
struct Ingest {
  // gRPC EventService and the HTTP paths below take Events (header and events) and publish each of them here, with the
  // event's type as routing key.
  bool events = false;
  // Events of this gRPC payload ("clickEvent") are published here as well.
  std::string payload;
  // HTTP path of a webhook, or of Events.
  std::string path;
  // The sender's body becomes this member of the message, beside `headers`; empty: the body is the message.
  std::string envelope;
  std::vector<std::pair<std::string, std::string>> headers;  // member -> request header
  // Request header that names the delivery: the same one with the same body is the same event.
  std::string id_header;
  // Member of the body that becomes the routing key; empty: the stream's own key.
  std::string key_from;
  // Takes a body only when it has, or lacks, this member: how two streams share a path.
  std::string has, lacks;
  // The sender's signature over the raw body: HMAC-SHA256 in base64 or hex, in `signature_header`, with the secret
  // that stands in the config key `secret`. Empty header: none.
  enum class Signature { kBase64, kHex } signature = Signature::kBase64;
  std::string signature_header, secret;
};

enum class TargetKind { kWarehouse, kPostgres, kHttp };

struct Target {
  TargetKind kind = TargetKind::kWarehouse;
  std::string table;              // warehouse: in database `events`; postgres: "schema.table"
  std::string view;               // warehouse: in database `_e`, with the original's names; may be empty
  std::vector<std::string> json;  // groups that the view shows as one JSON column: metrics, dimensions
  std::string url;                // http: the config key that holds the URL
  std::string bearer;             // http: the config key that holds the token of Authorization: Bearer; may be empty
};

struct Stream {
  std::string name;
  std::string file;   // where it was read from
  std::string about;  // the file's opening comment
  std::string exchange, exchange_kind, queue, routing_key;
  std::string same_as;  // takes fields, target, order and all that belongs to the table from this stream
  std::vector<Ingest> ingest;
  int consumers = 1;
  uint16_t prefetch = 2000;
  uint64_t batch_events = 100'000, batch_bytes = 32u << 20;
  std::chrono::milliseconds batch_time{500};
  // http targets: how often an event is tried, and how long it waits before the second time (twice as long before each
  // further one, an hour at most), in a queue of its own; then it is parked. A store that is away is waited for.
  int retry_attempts = 3;
  std::chrono::milliseconds retry_delay{5000};
  std::string error_exchange, error_routing_key;  // parked events are also published there, when given
  Target target;
  std::string id;  // the field by which a second delivery of the same event is recognised
  enum class Unknown { kPark, kIgnore } unknown = Unknown::kPark;
  std::vector<Field> fields;
  std::vector<std::string> order;
  std::string partition;  // "month(field)", "day(field)" or empty
  std::string shard;      // field whose hash places a row in a cluster; empty: shard_key() says by what
  std::string latest;     // ReplacingMergeTree by this version field: only the latest row of a key stays
  // A time field; insert_timestamp is kept as whole seconds since it, which is a byte less than a time of its own and
  // less than that when rows arrive soon. Empty: insert_timestamp is a column.
  std::string inserted_after;
  std::string ttl_field;
  std::chrono::hours ttl{0};
  std::vector<Rollup> rollups;

  // The fields whose hash places a row in a cluster, none: by chance. Of a table that keeps the newest row of a key the
  // key, for rows of one key replace each other within one shard only.
  std::vector<std::string> shard_key() const;
  const Field* field(std::string_view name) const;
  size_t index_of(std::string_view name) const;  // throws Permanent for an unknown name
};

class Catalogue {
 public:
  // All *.yaml of a folder. Throws InvalidInput "FILE:LINE: reason" for the first thing that is wrong: an unknown key
  // (with the nearest known one), a wrong type, a name used twice, an order field that does not exist.
  static Catalogue load(const std::filesystem::path& folder);
  // One stream from YAML text; `file` is used in errors. With `same_as` what it takes from there is still empty.
  static Stream parse(const std::string& text, const std::string& file);

  const std::vector<Stream>& streams() const { return streams_; }
  // Throws InvalidInput naming the nearest known stream. Takes a stream's or a queue's name.
  const Stream& stream(std::string_view name) const;

 private:
  std::vector<Stream> streams_;
};

std::string_view name_of(FieldType type);
std::string_view name_of(TargetKind kind);

}  // namespace dalgona::events
