#include "base/metrics.h"

#include <prometheus/text_serializer.h>

namespace dalgona::metrics {
namespace {

prometheus::Registry& registry() {
  static prometheus::Registry all{prometheus::Registry::InsertBehavior::Merge};
  return all;
}

}  // namespace

prometheus::Counter& counter(const std::string& name, const std::string& help, const Labels& labels) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry()).Add(labels);
}

prometheus::Gauge& gauge(const std::string& name, const std::string& help, const Labels& labels) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry()).Add(labels);
}

prometheus::Histogram& histogram(const std::string& name, const std::string& help, const Labels& labels,
                                 const prometheus::Histogram::BucketBoundaries& buckets) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry()).Add(labels, buckets);
}

std::string text() {
  return prometheus::TextSerializer().Serialize(registry().Collect());
}

}  // namespace dalgona::metrics
