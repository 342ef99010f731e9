// `dalgona warehouse`: the embedded engine behind the ClickHouse HTTP interface.
#pragma once
#include <CLI/CLI.hpp>

namespace dalgona::warehouse {

void register_warehouse(CLI::App& app);

}  // namespace dalgona::warehouse
