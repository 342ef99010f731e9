// Protocol buffer messages as JSON, for payloads of events: names as they are in the proto file, 64-bit numbers as
// numbers, only what is set. A tenth of the cost of protobuf's own printer, which events pass by the hundred thousand.
#pragma once
#include <string>
#include <string_view>

#include <google/protobuf/message.h>

namespace dalgona::event_grpc {

void append_json(std::string& out, const google::protobuf::Message& message);
// A text with its quotes; control characters escaped.
void append_json(std::string& out, std::string_view text);

}  // namespace dalgona::event_grpc
