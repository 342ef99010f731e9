// One configuration: config/dalgona.yaml holds every key with its default and a comment, and is thereby the schema: a
// key that is not in it is refused with file, line and the nearest known key, and a value must have the kind of its
// default. Layers, later ones win:
//   defaults < HOME/run/stores.yaml (what `dalgona up` generated) < HOME/dalgona.yaml < --config FILE <
//   DALGONA_SECTION_KEY in the environment.
#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dalgona {

// Immutable once loaded; reading is thread-safe.
class Config {
 public:
  struct Sources {
    std::filesystem::path home = "var";
    std::optional<std::filesystem::path> file;       // --config
    std::map<std::string, std::string> environment;  // whole environment; only DALGONA_* is looked at
  };

  // Reads all layers. Throws InvalidInput naming file, line and key.
  static Config load(const Sources& sources);
  // Defaults overlaid by one YAML text; for tests.
  static Config from_text(std::string_view yaml);
  // The process's environment as a map.
  static std::map<std::string, std::string> process_environment();

  // Absolute path of the home folder.
  const std::filesystem::path& home() const { return home_; }

  // The getters take "section.key". A key that the schema lacks is a bug: throws Permanent. A value that can't be read:
  // InvalidInput naming where it stands.
  std::string text(std::string_view key) const;
  int64_t integer(std::string_view key) const;
  double number(std::string_view key) const;
  bool flag(std::string_view key) const;
  // "250ms", "5s", "10m", "1h", "7d".
  std::chrono::milliseconds duration(std::string_view key) const;
  // "512B", "64KiB", "64MiB", "2GiB"; a bare number is bytes.
  uint64_t bytes(std::string_view key) const;
  std::vector<std::string> list(std::string_view key) const;
  // True when some layer above the defaults set it.
  bool is_set(std::string_view key) const;

  // Every key with its value and where it comes from; secrets (keys ending in url, password, key, keys, token, secret)
  // shown as "***".
  struct Entry {
    std::string key, value, origin;
  };
  std::vector<Entry> entries() const;

 private:
  enum class Kind { kText, kInteger, kNumber, kFlag, kList };
  struct Value {
    Kind kind = Kind::kText;
    std::string scalar;
    std::vector<std::string> items;
    std::string origin;  // "FILE:LINE" or "environment NAME"
    bool is_default = true;
  };
  void load_defaults();
  void overlay(const std::string& yaml, const std::string& file_name);
  void overlay_environment(const std::map<std::string, std::string>& environment);
  const Value& at(std::string_view key) const;
  std::vector<std::string> keys() const;

  std::filesystem::path home_;
  std::map<std::string, Value, std::less<>> values_;
};

// "250ms", "5s", "10m", "1h", "7d". Throws InvalidInput.
std::chrono::milliseconds parse_duration(std::string_view text);
// "64MiB". Throws InvalidInput.
uint64_t parse_bytes(std::string_view text);

}  // namespace dalgona
