#include "warehouse/embedded/huge_pages.h"

#include <cstring>
#include <fstream>
#include <string>

#include <link.h>
#include <sys/mman.h>

namespace dalgona::warehouse::embedded {

namespace {

constexpr uintptr_t kHuge = 2 << 20;

// [from, to), both multiples of kHuge.
bool move(uintptr_t from, uintptr_t to) {
  const size_t size = to - from;
  void* fresh = ::mmap(nullptr, size + kHuge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (fresh == MAP_FAILED) return false;
  const auto begin = reinterpret_cast<uintptr_t>(fresh);
  const uintptr_t aligned = (begin + kHuge - 1) / kHuge * kHuge;
  auto* copy = reinterpret_cast<void*>(aligned);
  const auto give_up = [&] {
    ::munmap(fresh, size + kHuge);
    return false;
  };
  if (::madvise(copy, size, MADV_HUGEPAGE) != 0) return give_up();
  std::memcpy(copy, reinterpret_cast<const void*>(from), size);
  // Never writable and executable at once; a system that allows no code of one's own refuses here.
  if (::mprotect(copy, size, PROT_READ | PROT_EXEC) != 0) return give_up();
  // The old pages go and the new ones come in one step, which a thread that runs there waits for.
  if (::mremap(copy, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, reinterpret_cast<void*>(from)) == MAP_FAILED)
    return give_up();
  if (aligned > begin) ::munmap(fresh, aligned - begin);
  if (const uintptr_t end = begin + size + kHuge; end > aligned + size)
    ::munmap(reinterpret_cast<void*>(aligned + size), end - aligned - size);
  return true;
}

struct Search {
  std::string_view name;
  uint64_t moved = 0;
};

int look_at(dl_phdr_info* library, size_t, void* data) {
  auto& search = *static_cast<Search*>(data);
  if (!library->dlpi_name || std::string_view(library->dlpi_name).find(search.name) == std::string_view::npos) return 0;
  for (int i = 0; i < library->dlpi_phnum; ++i) {
    const auto& segment = library->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & (PF_X | PF_W)) != PF_X) continue;
    const uintptr_t begin = library->dlpi_addr + segment.p_vaddr;
    const uintptr_t from = (begin + kHuge - 1) / kHuge * kHuge, to = (begin + segment.p_filesz) / kHuge * kHuge;
    if (from < to && move(from, to)) search.moved += to - from;
  }
  return 1;
}

}  // namespace

bool has_huge_pages() {
  std::ifstream file("/sys/kernel/mm/transparent_hugepage/enabled");
  std::string line;
  return std::getline(file, line) && line.find("[never]") == std::string::npos;
}

uint64_t move_code_into_huge_pages(std::string_view name) {
  Search search{name};
  ::dl_iterate_phdr(look_at, &search);
  return search.moved;
}

}  // namespace dalgona::warehouse::embedded
