// `dalgona demo`: the whole main job on real input, from a platform's API to a checked page.
#pragma once

namespace CLI {
class App;
}

namespace dalgona {

void register_demo(CLI::App& app);

}  // namespace dalgona
