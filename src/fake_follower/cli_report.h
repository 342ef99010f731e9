// `dalgona fake-follower report`.
#pragma once
namespace CLI {
class App;
}
namespace dalgona::fake_follower {
void register_report(CLI::App& fake_follower);
}
