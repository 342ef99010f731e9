// What every bench of `dalgona bench` is made of: a name, a body that measures the part and its peer alternately in one
// run, and the one line of JSON that a program reads. Rooms offer `void register_benches(bench::Registry&)`.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace dalgona::bench {

struct Options {
  int runs = 5;       // of ours and of the peer's, alternating
  uint64_t rows = 0;  // or events, where a bench makes some; 0: as many as its figure is for
  std::string home = "var";
  // A line for the person who watches (standard error).
  std::function<void(const std::string&)> say = [](const std::string&) {};
};

struct Result {
  double value = 0;       // ours, median
  std::string unit = {};  // "characters/s", "us", ...
  std::string peer = {};  // what it is compared with; says so when it is a figure from elsewhere and not measured here
  double peer_value = 0;
  bool lower_is_better = false;
  int runs = 0;
  // More figures for the person who reads, shown on lines of their own before the JSON.
  std::vector<std::pair<std::string, std::string>> details = {};

  // How many times better than the peer: above 1 is better, whichever way the unit points. 0 without a peer.
  double ratio() const;
};

struct Bench {
  std::string name;
  std::string help;
  std::function<Result(const Options&)> run;
};

class Registry {
 public:
  // A name taken twice is a bug: throws Permanent.
  void add(std::string name, std::string help, std::function<Result(const Options&)> run);
  const std::vector<Bench>& all() const { return all_; }
  // Throws InvalidInput naming the nearest known bench.
  const Bench& find(std::string_view name) const;

 private:
  std::vector<Bench> all_;
};

// {"bench", "value", "unit", "peer", "peer_value", "ratio", "runs"}, one line.
std::string to_json(std::string_view name, const Result& result);

// The middle value, or the mean of the two middle ones; 0 for none.
double median(std::vector<double> values);

// Runs ours and the peer's alternately `runs` times each (each gives its own figure) and gives the medians.
struct Pair {
  double ours = 0, peers = 0;
};
Pair alternate(int runs, const std::function<double()>& ours, const std::function<double()>& peers);

// Seconds that `f` took.
double seconds(const std::function<void()>& f);

// So many clients at once, a thread each; `client` gets its number, from 0, and gives what each of its calls took. The
// times of all, ascending; throws what a client threw, when all have ended.
std::vector<double> concurrently(int clients, const std::function<std::vector<double>(int)>& client);

// Of ascending values, by nearest rank; `q` from 0 to 1. 0 for none.
double quantile(const std::vector<double>& ascending, double q);

}  // namespace dalgona::bench
