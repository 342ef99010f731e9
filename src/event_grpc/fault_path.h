// Where in a text that is no JSON the fault lies, for the reason that a person reads. Pure.
#pragma once
#include <string>
#include <string_view>

namespace dalgona::event_grpc {

// The member ("metrics.likes") that stands at the first byte that is not UTF-8, or else at the end, where a text that
// was cut off ends; a name that is not complete counts as far as it goes. Empty when there is none: the text does not
// look like an object, or the place is between members. Always UTF-8, at most 200 bytes.
std::string fault_path(std::string_view text);

}  // namespace dalgona::event_grpc
