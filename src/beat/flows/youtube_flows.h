// The YouTube flows: which calls a task makes and what it harvests. Parsing is the source's; storing is process.h's.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "beat/fetch.h"

namespace dalgona::beat {

template <typename T>
struct Observed {
  T what;
  Time at{};
};

// All that a task has seen, each thing once: the last observation counts.
struct Harvest {
  std::string source;
  std::vector<Observed<youtube::Profile>> profiles;
  std::vector<Observed<youtube::Post>> posts;
  std::vector<std::string> missing;  // asked for by id and not there
  uint64_t calls = 0, unreadable = 0;
  bool cut_short = false;  // there were more pages than the task's limit

  // Into scrape_request_log.data.
  std::string summary() const;
};

using FlowFunction =
    std::function<Task<Harvest>(Fetcher& fetcher, const Source& source, const boost::json::object& params)>;

// By the flow's name in config/flows.yaml.
const std::map<std::string, FlowFunction, std::less<>>& flow_functions();

}  // namespace dalgona::beat
