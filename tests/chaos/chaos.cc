// dalgona-chaos: publishes numbered events on several streams while it kills, stops, cuts and fills, then counts.
//
//   dalgona-chaos --events N --faults N --seed S
//
// The last line it prints is JSON: {"events", "faults", "lost", "duplicated", "parked", "seconds", "seed", ...}. Exit
// code 0 when nothing was lost or doubled, every malformed event is parked and the rollups agree with the log; else 3.
#include <csignal>
#include <iostream>
#include <map>
#include <random>
#include <thread>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "base/config.h"
#include "base/errors.h"
#include "base/log.h"
#include "chaos/publish.h"
#include "chaos/world.h"

namespace dalgona::chaos {
namespace {
namespace fs = std::filesystem;
using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct Arguments {
  uint64_t events = 1'000'000, faults = 50, seed = 1;
  std::string stop_for = "30s", folder;
  bool keep = false, publish = false;
  std::string progress, url_file, begin;
};

class Run {
 public:
  explicit Run(const Arguments& arguments, const fs::path& folder)
      : arguments_(arguments),
        plan_(arguments.seed, arguments.events, parse_time(arguments.begin)),
        random_(arguments.seed * 7919 + 17),
        world_({.folder = folder,
                .seed = arguments.seed,
                .events = arguments.events,
                .begin = parse_time(arguments.begin)}) {}

  int go() {
    const auto begin = SteadyClock::now();
    if (!world_.disk())
      say(fmt::format("no disk of its own ({}): neither full disks nor power cuts in this run", world_.why_no_disk()));
    bring_up(seconds{120});
    // RabbitMQ never syncs what it founds itself with (coordination/*/meta.dets), and without it does not start; a cut
    // in the first seconds of its first life is no question of ours.
    ::sync();
    say("all up; publishing");
    for (uint64_t fault = 0; fault < arguments_.faults; ++fault) {
      // The faults lie evenly over the events, each at a random place of its stretch.
      const uint64_t stretch = std::max<uint64_t>(1, plan_.windows() / (arguments_.faults + 1));
      const uint64_t until = std::min(plan_.windows(), fault * stretch + 1 + below(stretch));
      world_.allow((fault + 1) * stretch);
      wait_published(until);
      std::this_thread::sleep_for(milliseconds{below(400)});
      strike(fault);
    }
    world_.allow(plan_.windows());
    wait_published(plan_.windows());
    say("all published and confirmed; waiting for the sink");
    drain();
    return judge(std::chrono::duration<double>(SteadyClock::now() - begin).count());
  }

 private:
  static void say(const std::string& line) { std::cerr << line << std::endl; }
  uint64_t below(uint64_t bound) { return bound == 0 ? 0 : random_() % bound; }

  void bring_up(seconds limit) {
    const auto deadline = SteadyClock::now() + limit;
    while (!world_.mend()) {
      if (SteadyClock::now() > deadline) throw Permanent("it does not come up again");
      std::this_thread::sleep_for(milliseconds{100});
    }
  }

  void wait_published(uint64_t windows) {
    auto deadline = SteadyClock::now() + seconds{300};
    uint64_t seen = world_.published();
    while (seen < windows) {
      if (!world_.publishing()) bring_up(seconds{120});
      std::this_thread::sleep_for(milliseconds{20});
      const uint64_t now = world_.published();
      if (now != seen) deadline = SteadyClock::now() + seconds{300};
      seen = now;
      if (SteadyClock::now() > deadline)
        throw Permanent(fmt::format("publishing stands still at window {} of {}", seen, plan_.windows()));
    }
  }

  // One fault, whole: done, and mended again.
  void strike(uint64_t number) {
    enum Kind { kKill, kKillTwo, kStop, kStopKill, kCut, kFull, kPower, kKinds };
    std::vector<Kind> kinds{kKill, kKill, kKill, kKillTwo, kStop, kStopKill, kCut, kCut};
    if (world_.disk()) kinds.insert(kinds.end(), {kFull, kPower, kPower});
    const Kind kind = kinds[below(kinds.size())];
    const auto victim = Victim(below(4));
    const std::string name = kVictims[size_t(victim)];
    const milliseconds stop_for = parse_duration(arguments_.stop_for);
    std::string what;
    switch (kind) {
      case kKill:
        what = "kill -9 " + name;
        world_.kill(victim);
        break;
      case kKillTwo: {
        const auto other = Victim((size_t(victim) + 1 + below(3)) % 4);
        what = fmt::format("kill -9 {} and {}", name, kVictims[size_t(other)]);
        world_.kill(victim);
        world_.kill(other);
        break;
      }
      case kStop:
        what = fmt::format("stop {} for {}", name, arguments_.stop_for);
        world_.stop(victim);
        std::this_thread::sleep_for(stop_for);
        world_.resume(victim);
        break;
      case kStopKill: {  // an insert whose outcome nobody waited for may still be under way when its sender is gone
        what = fmt::format("stop warehouse for {} and kill -9 sink meanwhile", arguments_.stop_for);
        world_.stop(Victim::kWarehouse);
        std::this_thread::sleep_for(stop_for / 2);
        world_.kill(Victim::kSink);
        std::this_thread::sleep_for(stop_for / 2);
        world_.resume(Victim::kWarehouse);
        break;
      }
      case kCut:
        what = "cut all connections";
        world_.cut_connections();
        break;
      case kFull:
        what = "fill the disk for 5s";
        world_.disk()->fill();
        std::this_thread::sleep_for(seconds{5});
        world_.disk()->free_up();
        break;
      case kPower:
        what = "power cut";
        world_.power_cut();
        break;
      case kKinds:
        break;
    }
    ++struck_[what.substr(0, what.find(" for "))];
    say(fmt::format("{:>4}/{} after {} of {} windows: {}", number + 1, arguments_.faults, world_.published(),
                    plan_.windows(), what));
    bring_up(seconds{180});
  }

  // Until the queues are empty and the tables stand still. A number that is still wrong then is wrong for good.
  void drain() {
    auto deadline = SteadyClock::now() + seconds{600};
    uint64_t seen = 0;
    int still = 0;
    while (still < 20) {
      std::this_thread::sleep_for(milliseconds{250});
      if (!world_.mend()) continue;
      try {
        uint64_t rows = world_.ask("SELECT count() FROM events.parked FINAL");
        for (const auto& stream : streams()) rows += world_.ask(fmt::format("SELECT count() FROM {}", stream.table));
        const bool empty = world_.queued() == 0;
        still = empty && rows == seen ? still + 1 : 0;
        seen = rows;
      } catch (const Retryable&) {
        still = 0;
      }
      if (SteadyClock::now() > deadline) throw Permanent(fmt::format("the sink does not finish; {} rows by now", seen));
    }
    world_.end();
  }

  int judge(double took) {
    const Totals want = plan_.totals();
    uint64_t lost = 0, duplicated = 0, total = 0;
    for (size_t s = 0; s < streams().size(); ++s) {
      const auto& stream = streams()[s];
      const uint64_t rows = world_.ask(fmt::format("SELECT count() FROM {}", stream.table));
      const uint64_t numbers = world_.ask(
          fmt::format("SELECT uniqExact({0}) FROM {1} WHERE {0} < {2}", stream.number, stream.table, want.events[s]));
      total += want.events[s];
      lost += want.events[s] - numbers;
      duplicated += rows - numbers;
      if (rows != want.events[s] || numbers != want.events[s])
        say(fmt::format("{}: {} events published, {} rows, {} different", stream.name, want.events[s], rows, numbers));
    }
    const uint64_t parked = world_.ask("SELECT uniqExact(id) FROM events.parked");
    const uint64_t wrong_rollups =
        wrong_rollup("events.profile_series", "profile_id", "followers", "events.profile_log") +
        wrong_rollup("events.post_series", "shortcode", "views", "events.post_log");
    boost::json::object kinds;
    for (const auto& [what, times] : struck_) kinds[what] = times;
    const boost::json::object line{
        {"events", total},  {"faults", arguments_.faults}, {"lost", lost},          {"duplicated", duplicated},
        {"parked", parked}, {"malformed", want.malformed}, {"copies", want.copies}, {"wrong_rollups", wrong_rollups},
        {"seconds", took},  {"seed", arguments_.seed},     {"struck", kinds}};
    std::cout << boost::json::serialize(line) << std::endl;
    return lost == 0 && duplicated == 0 && parked == want.malformed && wrong_rollups == 0 ? 0 : 3;
  }

  // Days whose value in the rollup is not that of the log's latest event of the day, or that one of them lacks.
  uint64_t wrong_rollup(const std::string& series, const std::string& key, const std::string& metric,
                        const std::string& log) {
    return world_.ask(
        fmt::format("SELECT count() FROM (SELECT {0} AS k, date AS d, max({1}) AS v FROM {2} GROUP BY k, d) AS rolled "
                    "FULL OUTER JOIN "
                    "(SELECT {0} AS k, toDate(event_timestamp) AS d, argMax({1}, event_timestamp) AS v FROM {3} GROUP "
                    "BY k, d) AS logged "
                    "ON rolled.k = logged.k AND rolled.d = logged.d WHERE rolled.v IS DISTINCT FROM logged.v SETTINGS "
                    "join_use_nulls = 1",
                    key, metric, series, log));
  }

  const Arguments& arguments_;
  const Plan plan_;
  std::mt19937_64 random_;
  World world_;
  std::map<std::string, uint64_t> struck_;
};

int run(const Arguments& arguments) {
  if (arguments.publish) {
    publish(Plan(arguments.seed, arguments.events, parse_time(arguments.begin)),
            {.url_file = arguments.url_file, .progress = arguments.progress});
    return 0;
  }
  ::signal(SIGPIPE, SIG_IGN);
  std::string folder = arguments.folder;
  if (folder.empty()) {
    folder = (fs::temp_directory_path() / "dalgona-chaos.XXXXXX").string();
    if (!::mkdtemp(folder.data())) throw Permanent("no temporary folder");
  } else if (!fs::create_directory(folder)) {
    throw InvalidInput(folder + " exists: name a folder that is to be made");
  }
  int code = 1;
  try {
    Run one(arguments, folder);
    code = one.go();
  } catch (const std::exception& e) {
    std::cerr << "chaos: " << e.what() << "\nlogs are in " << folder << std::endl;
    return 1;
  }
  if (code == 0 && !arguments.keep)
    fs::remove_all(folder);
  else
    std::cerr << "logs are in " << folder << std::endl;
  return code;
}

}  // namespace
}  // namespace dalgona::chaos

int main(int count, char** words) {
  dalgona::chaos::Arguments arguments;
  CLI::App app("Kills, stops, cuts and fills while events are published, then counts what came out");
  app.add_option("--events", arguments.events, "Events to publish, over all streams")->capture_default_str();
  app.add_option("--faults", arguments.faults, "Faults, one after another")->capture_default_str();
  app.add_option("--seed", arguments.seed, "Events and faults follow from it")->capture_default_str();
  app.add_option("--stop", arguments.stop_for, "How long a stopped process stays stopped")->capture_default_str();
  app.add_option("--folder", arguments.folder, "Where to work; must not exist");
  app.add_flag("--keep", arguments.keep, "Keep the folder also when all is well");
  app.add_flag("--publish", arguments.publish)->group("");
  app.add_option("--begin", arguments.begin, "Time of the first event; default: today, sixty days ago");
  app.add_option("--progress", arguments.progress)->group("");
  app.add_option("--url-file", arguments.url_file)->group("");
  CLI11_PARSE(app, count, words);
  if (arguments.begin.empty())
    arguments.begin = dalgona::to_date(dalgona::system_clock().now() - std::chrono::hours{24 * 60});
  try {
    return dalgona::chaos::run(arguments);
  } catch (const std::exception& e) {
    std::cerr << "chaos: " << e.what() << std::endl;
    return 1;
  }
}
