// Any bytes as a message of any stream: each event gives a row or a reason, never both, and a reason leaves no trace;
// and the quick reader of events takes nothing that the careful one takes otherwise.
#include <cstdlib>

#include "base/resources.h"
#include "event_grpc/parser.h"
#include "events/catalogue.h"

using namespace dalgona;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto catalogue = events::Catalogue::load(resource("config/streams"));
  if (size < 2) return 0;
  const auto& stream = catalogue.streams()[data[0] % catalogue.streams().size()];
  const bool lines = data[1] & 1;
  // Exactly the padding that is promised: what reads past it is caught.
  std::string body(reinterpret_cast<const char*>(data + 2), size - 2);
  const size_t length = body.size();
  body.append(event_grpc::Parser::kPadding, '\0');
  body.shrink_to_fit();
  event_grpc::Parser parser(stream);
  auto block = parser.new_block();
  std::vector<event_grpc::Rejected> rejected;
  parser.parse(
      {std::string_view(body).substr(0, length), lines ? "application/x-ndjson" : "application/json", "", "key"}, block,
      rejected);
  if (!lines && block.rows() + rejected.size() != 1) std::abort();
  if (block.rows() + rejected.size() == 0) std::abort();
  for (const auto& column : block.columns)
    if (column.rows() != block.rows()) std::abort();
  for (const auto& why : rejected)
    if (why.reason.empty() || !why.reason.starts_with(why.field)) std::abort();
  event_grpc::Parser careful(stream, event_grpc::Parser::Reading::kCareful);
  auto same = careful.new_block();
  std::vector<event_grpc::Rejected> also;
  careful.parse(
      {std::string_view(body).substr(0, length), lines ? "application/x-ndjson" : "application/json", "", "key"}, same,
      also);
  if (block.encode() != same.encode() || rejected.size() != also.size()) std::abort();
  return 0;
}
