// Prometheus metrics: one registry a process. Names are dalgona_ROLE_THING_UNIT, as the Prometheus naming guide has it.
#pragma once
#include <string>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

namespace dalgona::metrics {

using Labels = std::map<std::string, std::string>;

// Thread-safe; the references live as long as the process. Asking again for the same name and labels gives the same
// object.
prometheus::Counter& counter(const std::string& name, const std::string& help, const Labels& labels = {});
prometheus::Gauge& gauge(const std::string& name, const std::string& help, const Labels& labels = {});
// Buckets from 0.5 ms to 60 s unless given.
prometheus::Histogram& histogram(const std::string& name, const std::string& help, const Labels& labels = {},
                                 const prometheus::Histogram::BucketBoundaries& buckets = {0.0005, 0.001, 0.0025, 0.005,
                                                                                           0.01, 0.025, 0.05, 0.1, 0.25,
                                                                                           0.5, 1, 2.5, 5, 10, 30, 60});

// The whole registry, text/plain; version=0.0.4.
std::string text();

}  // namespace dalgona::metrics
