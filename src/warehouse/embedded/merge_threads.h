#pragma once

namespace dalgona::warehouse {

// Merges can wait, inserts and questions can't: lowers the priority of this process's threads that merge parts, of
// those that there are now. Calling it again costs the reading of a folder and changes nothing more.
// A merge gets what the others leave, and a tenth of a processor beside a busy one, so that it goes on under any load.
// Returns how many threads were lowered by this call.
int lower_merge_threads();

}  // namespace dalgona::warehouse
