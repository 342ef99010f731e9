#include "dalgona/commands.h"

#include "base/cli.h"
#include "dalgona/bench.h"
#include "dalgona/up_cli.h"
#include "insights/cli.h"

namespace dalgona {

void register_commands(CLI::App& app) {
  register_up(app);
  register_down(app);
  register_status(app);
  register_doctor(app);
  register_migrate(app);
  cli::register_config(app);
  register_bench(app);
  insights::register_insights(app);
}

int exit_code() {
  return cli::exit_code();
}

}  // namespace dalgona
