// Profile logs as they are in reality, made inside the warehouse for the benches of what it keeps.
#pragma once
#include <cstdint>
#include <functional>
#include <string>

#include "dalgona/bench_home.h"

namespace dalgona {

// `profiles` profiles, each crawled once on each of `days` days that end yesterday.
//
// What is random, and how much: a profile is crawled at an hour of its own, late by as long as the queue takes
// (exponential, a minute on average); it gains views at a pace of its own (100 to a million a day, evenly in its
// logarithm) with a noise of 0.2 in the logarithm, which is what the daily gains of the videos in the public
// youtube-trending data have around their course, and followers at a twentieth to a two-hundredth of that, counted
// exactly although YouTube rounds them to three digits; it uploads on 2 to 61 % of the days. Title, handle and country
// stay. A row is in the warehouse 0.02 to 0.52 s after its event.
struct ProfileLogs {
  uint64_t profiles = 0, days = 0;
  uint64_t rows() const { return profiles * days; }
};

// Bytes a log that no codec can go below, by the distributions above, of which `young` (0 to 1) still have their id:
// for comparison with what is measured.
struct LogEntropy {
  double time = 0, delay = 0, views = 0, followers = 0, uploads = 0, following = 0, names = 0, ids = 0;
  double total() const { return time + delay + views + followers + uploads + following + names + ids; }
  std::string text() const;
};
LogEntropy entropy_of(const ProfileLogs& logs, double young);

// Makes the tables events.profile_log with its rollup, and original.profile_log_events as the original had it.
void make_log_tables(BenchHome& home);
// Fills both with profiles `first` to `last` - 1 of `logs`. `more`, when given, is called for each batch while it lies
// in the table made.logs.
void fill_logs(BenchHome& home, const ProfileLogs& logs, uint64_t first, uint64_t last,
               const std::function<void(const std::string&)>& say, const std::function<void()>& more = {});

}  // namespace dalgona
