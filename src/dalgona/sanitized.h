// What a program that is built with a sanitizer can't do itself.
#pragma once

namespace dalgona {

// The engine's library can't be loaded into a process with the address or thread sanitizer: its constructors call what
// they did not find there. So `dalgona warehouse` of such a build becomes the one of the release build beside it,
// build/release/dalgona, in the same process. Does nothing for other commands and in other builds. Throws Permanent
// when there is no release build.
void run_engine_unsanitized(int argc, char** argv);

}  // namespace dalgona
