// config/dags/*.yaml: what runs when, and what of it is published where.
#pragma once
#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "stir/cron.h"

namespace dalgona::stir {

struct PublishTarget {
  std::string model, object;
  std::string schema, table;
  std::vector<std::pair<std::string, std::string>> columns;  // name, PostgreSQL type with "not null"
  std::vector<std::string> primary_key;
  std::vector<std::vector<std::string>> indexes;
  double guard = 0.5;
};

struct Dag {
  std::string name, description, schedule_text;
  Schedule schedule;
  std::vector<std::string> select, exclude;
  bool full_refresh = false;
  int retries = 1;
  std::chrono::milliseconds retry_delay{std::chrono::minutes{5}};
  std::chrono::milliseconds timeout{std::chrono::minutes{60}};
  std::vector<PublishTarget> publish;
};

// By name. Throws InvalidInput naming file, line and key.
std::map<std::string, Dag> read_dags(const std::filesystem::path& folder);

}  // namespace dalgona::stir
