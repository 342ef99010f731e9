#include "dalgona/commands.h"

#include "base/cli.h"
#include "beat/cli.h"
#include "coffee/cli.h"
#include "dalgona/bench.h"
#include "dalgona/demo.h"
#include "dalgona/up_cli.h"
#include "event_grpc/cli.h"
#include "fake_follower/cli.h"
#include "insights/cli.h"
#include "sandbox/cli.h"
#include "stir/cli.h"
#include "warehouse/embedded/cli.h"

namespace dalgona {

void register_commands(CLI::App& app) {
  stir::register_stir(app);
  register_up(app);
  register_down(app);
  register_status(app);
  register_doctor(app);
  register_demo(app);
  register_migrate(app);
  cli::register_config(app);
  beat::register_beat(app);
  coffee::register_coffee(app);
  register_bench(app);
  event_grpc::register_event_grpc(app);
  fake_follower::register_fake_follower(app);
  insights::register_insights(app);
  sandbox::register_sandbox(app);
  warehouse::register_warehouse(app);
}

int exit_code() {
  return cli::exit_code();
}

}  // namespace dalgona
