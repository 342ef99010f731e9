// The methods of the simulated YouTube Data API: from a query and an instant to a JSON body. Knows nothing of HTTP,
// keys, quota or faults.
#pragma once
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/http/message.h"
#include "sandbox/population.h"
#include "sandbox/youtube_error.h"
#include "sandbox/youtube_render.h"

namespace dalgona::sandbox {

struct ApiReply {
  std::string body;
  std::string etag;  // without quotes
};

// Thread-safe. The population must outlive it.
class YoutubeApi {
 public:
  explicit YoutubeApi(const Population& population, std::string region = "US");
  // `endpoint`: one of endpoints(). Throws ApiError.
  ApiReply call(std::string_view endpoint, const http::Query& query, Time now) const;

  static const std::vector<std::string>& endpoints();
  static bool is_search(std::string_view endpoint) { return endpoint == "search"; }
  // Units of a call; searches are counted by themselves.
  static int64_t units(std::string_view endpoint) { return is_search(endpoint) ? 0 : 1; }

 private:
  class Call;
  ApiReply videos(Call& call) const;
  ApiReply channels(Call& call) const;
  ApiReply playlist_items(Call& call) const;
  ApiReply search(Call& call) const;
  ApiReply video_categories(Call& call) const;
  std::vector<const Video*> uploads(const Channel& channel, Day day) const;

  const Population& population_;
  const std::string region_;
  const Renderer renderer_;
  std::vector<std::string> video_text_, channel_text_;  // what search looks through, in lower case
};

}  // namespace dalgona::sandbox
