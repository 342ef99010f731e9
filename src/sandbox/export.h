// A population as a file: what the platform would have said on each day, for whoever checks what was collected.
#pragma once
#include <string>

#include "sandbox/population.h"

namespace dalgona::sandbox {

// One line a snapshot, by day, then by position in the population: the columns of a dataset (read_dataset reads it
// back), and `charted` (1: on that day's trending chart), `channel_id`, `channel_followers`, `channel_views`,
// `channel_uploads` (the channel's statistics on that day). RFC 4180, UTF-8, dates YYYY-MM-DD.
std::string export_csv(const Population& population);

}  // namespace dalgona::sandbox
