#include "base/bench.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <mutex>
#include <thread>

#include <boost/json.hpp>

#include "base/errors.h"
#include "base/text.h"

namespace dalgona::bench {

double Result::ratio() const {
  if (peer_value <= 0 || value <= 0) return 0;
  return lower_is_better ? peer_value / value : value / peer_value;
}

void Registry::add(std::string name, std::string help, std::function<Result(const Options&)> run) {
  for (const auto& bench : all_)
    if (bench.name == name) throw Permanent("two benches are called " + name);
  all_.push_back({std::move(name), std::move(help), std::move(run)});
}

const Bench& Registry::find(std::string_view name) const {
  std::vector<std::string> names;
  for (const auto& bench : all_) {
    if (bench.name == name) return bench;
    names.push_back(bench.name);
  }
  throw InvalidInput("no bench '" + std::string(name) + "'" + did_you_mean(name, names));
}

std::string to_json(std::string_view name, const Result& result) {
  return boost::json::serialize(boost::json::object{{"bench", name},
                                                    {"value", result.value},
                                                    {"unit", result.unit},
                                                    {"peer", result.peer},
                                                    {"peer_value", result.peer_value},
                                                    {"ratio", result.ratio()},
                                                    {"runs", result.runs}});
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

Pair alternate(int runs, const std::function<double()>& ours, const std::function<double()>& peers) {
  std::vector<double> a, b;
  for (int i = 0; i < runs; ++i) {
    a.push_back(ours());
    b.push_back(peers());
  }
  return {median(std::move(a)), median(std::move(b))};
}

double seconds(const std::function<void()>& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::vector<double> concurrently(int clients, const std::function<std::vector<double>(int)>& client) {
  std::vector<double> all;
  std::exception_ptr failed;
  std::mutex mutex;
  std::vector<std::thread> threads;
  for (int i = 0; i < clients; ++i)
    threads.emplace_back([&, i] {
      try {
        const std::vector<double> took = client(i);
        const std::scoped_lock lock(mutex);
        all.insert(all.end(), took.begin(), took.end());
      } catch (...) {
        const std::scoped_lock lock(mutex);
        failed = std::current_exception();
      }
    });
  for (auto& thread : threads) thread.join();
  if (failed) std::rethrow_exception(failed);
  std::sort(all.begin(), all.end());
  return all;
}

double quantile(const std::vector<double>& ascending, double q) {
  if (ascending.empty()) return 0;
  return ascending[std::max<size_t>(1, size_t(std::ceil(q * double(ascending.size())))) - 1];
}

}  // namespace dalgona::bench
