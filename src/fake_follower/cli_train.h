// `dalgona fake-follower train`.
#pragma once
namespace CLI {
class App;
}
namespace dalgona::fake_follower {
void register_train(CLI::App& fake_follower);
}
