// The one program. Each subcommand is registered by the room that owns it; this file only lists them.
#include <iostream>

#include <CLI/CLI.hpp>

#include "base/errors.h"
#include "dalgona/commands.h"
#include "dalgona/sanitized.h"

int main(int argc, char** argv) {
  CLI::App app{"dalgona: creator analytics, from a platform's API to a chart"};
  app.require_subcommand(1);
  app.set_version_flag("--version", DALGONA_VERSION);
  try {
    dalgona::run_engine_unsanitized(argc, argv);
    dalgona::register_commands(app);
    app.parse(argc, argv);
    return dalgona::exit_code();
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;  // --help and --version are no faults
  } catch (const dalgona::InvalidInput& e) {
    std::cerr << "dalgona: " << e.what() << "\n";
    return 2;
  } catch (const std::exception& e) {
    std::cerr << "dalgona: " << e.what() << "\n";
    return 1;
  }
}
