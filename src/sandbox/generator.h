// Makes a population without any file: deterministic, and shaped as platforms are: a few channels have most of the
// followers, most videos get most of their views in their first days, some go viral later.
#pragma once
#include "sandbox/population.h"

namespace dalgona::sandbox {

struct GeneratorOptions {
  int channels = 300;
  int videos = 2000;
  int days = 40;
  uint64_t seed = 1;
  Day first_day = 0;  // of the simulated days
};

// The same options give the same population, to the last digit, on every machine. Throws InvalidInput for numbers out
// of range (at most 100,000 channels, 2,000,000 videos, 1,000 days, 50 million snapshots).
Population generate(const GeneratorOptions& options);

}  // namespace dalgona::sandbox
