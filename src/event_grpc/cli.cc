#include "event_grpc/cli.h"

#include "base/cli.h"
#include "event_grpc/catalogue_cli.h"
#include "event_grpc/parked_cli.h"
#include "event_grpc/service.h"
#include "event_grpc/status_cli.h"

namespace dalgona::event_grpc {

void register_event_grpc(CLI::App& app) {
  auto* command = app.add_subcommand("event-grpc", "Take events in and write them to the warehouse");
  command->require_subcommand(0, 1);
  auto common = cli::common_options(*command);
  register_catalogue(*command);
  register_parked(*command);
  register_status_of_streams(*command);
  command->callback([command, common] {
    if (command->get_subcommands().empty()) cli::set_exit_code(run_service(common->load()));
  });
}

}  // namespace dalgona::event_grpc
