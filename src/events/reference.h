// The catalogue for people and programs: a page of Markdown, and JSON.
#pragma once
#include <string>

#include <boost/json.hpp>

#include "base/amqp/amqp.h"
#include "events/catalogue.h"

namespace dalgona::events {

// docs/streams.md, whole. The same catalogue gives the same bytes.
std::string reference_page(const Catalogue& catalogue);

// One stream as it was understood, defaults filled in.
boost::json::object to_json(const Stream& stream);
boost::json::object to_json(const amqp::Topology& topology);

}  // namespace dalgona::events
