#include "warehouse/point_query.h"

namespace dalgona::warehouse {

QueryOptions point_query_options() {
  QueryOptions options;
  options.settings = {
      {"max_result_bytes", std::to_string(kMostOfAPointQuery)},
      // More threads cost more to start than they save: 8 ms against 19 ms of one series.
      {"max_threads", "1"},
      // The older analyser does in 0.5 ms less what one table needs.
      {"enable_analyzer", "0"},
      // What these would find is in the statement already. Each is a pass over the plan or a step in reading: 0.3 ms.
      {"optimize_move_to_prewhere", "0"},
      {"enable_multiple_prewhere_read_steps", "0"},
      {"query_plan_enable_optimizations", "0"},
      {"use_skip_indexes", "0"},
  };
  return options;
}

}  // namespace dalgona::warehouse
