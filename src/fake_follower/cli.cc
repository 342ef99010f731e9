#include "fake_follower/cli.h"

#include "fake_follower/cli_report.h"
#include "fake_follower/cli_score.h"
#include "fake_follower/cli_train.h"

namespace dalgona::fake_follower {

void register_fake_follower(CLI::App& app) {
  CLI::App* command = app.add_subcommand("fake-follower", "Whether followers are people: score, train, report");
  command->require_subcommand(1);
  register_report(*command);
  register_score(*command);
  register_train(*command);
}

}  // namespace dalgona::fake_follower
