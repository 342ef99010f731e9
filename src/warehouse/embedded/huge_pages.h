// The engine's machine code in pages of 2 MiB. A small statement runs through megabytes of code once, and in pages of
// 4 KiB finding them is a part of its time. Private to this room.
#pragma once
#include <cstdint>
#include <string_view>

namespace dalgona::warehouse::embedded {

// Whether the system gives huge pages to who asks for them.
bool has_huge_pages();

// Copies the code of a loaded library, whose file name contains `name`, into anonymous memory of huge pages and puts
// that in its place, at the same addresses; what does not fill a page stays as it was. Other threads may run in it
// meanwhile. Gives the bytes moved: 0 when there is no such library, or the system refuses. The memory is the process's
// own from then on, while the file's pages were shared and could be dropped.
uint64_t move_code_into_huge_pages(std::string_view name);

}  // namespace dalgona::warehouse::embedded
