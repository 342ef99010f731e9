// The quick reader of events: one pass over the bytes, for what nearly all events look like.
#pragma once
#include <string_view>

#include "event_grpc/field_tree.h"

namespace dalgona::event_grpc {

// Fills the tree's slots from one JSON object. True: the slots are what the parser's careful reader would have put
// there, bit by bit. False: the event has something uncommon or wrong (an escape, a fraction, a nested unknown member,
// a value of another type, ...), the slots are in any state, and the careful reader decides. So nothing is refused
// here, and what is accepted here is accepted there; the fuzz target of the parser holds the two together.
//
// At least 16 readable bytes follow `text`. The slots' texts are views of it.
bool read_plain_event(FieldTree& tree, std::string_view text);

}  // namespace dalgona::event_grpc
