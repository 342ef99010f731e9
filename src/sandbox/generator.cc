#include "sandbox/generator.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <span>

#include <fmt/format.h>

#include "base/errors.h"

namespace dalgona::sandbox {
namespace {

constexpr size_t kChartLength = 200;

// splitmix64: the standard library's distributions differ between libraries, and this must not.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ull + 0x853c49e6748fea9bull) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }
  double unit() { return double(next() >> 11) * 0x1.0p-53; }
  double between(double a, double b) { return a + (b - a) * unit(); }
  size_t below(size_t n) { return size_t(unit() * double(n)); }
  // Pareto: P(X > x) = (least / x)^alpha.
  double power(double least, double alpha) { return least * std::pow(1 - unit(), -1 / alpha); }
  template <typename T, size_t N>
  const T& one_of(const std::array<T, N>& all) {
    return all[below(N)];
  }

 private:
  uint64_t state_;
};

using Words = std::array<std::string_view, 8>;

// What people of a category make videos of.
struct Genre {
  int category;
  double weight;
  std::string_view channel_word;
  Words subjects, shapes;
};
constexpr std::array<Genre, 9> kGenres = {{
    {10,
     0.16,
     "Music",
     {"Midnight Train", "Paper Moon", "Golden Hour", "Slow River", "Neon Rain", "Wild Honey", "Glass Houses", "Echoes"},
     {"{} (Official Video)", "{} | Live Session", "{} (Lyric Video)", "{} - Acoustic", "How We Wrote {}",
      "{} ft. The Harbour Lights", "{} (Remix)", "Reacting to {}"}},
    {20,
     0.18,
     "Plays",
     {"Castle Siege", "Deep Cavern", "Star Courier", "Island Builder", "Kart Madness", "Shadow Maze", "Farm Days",
      "Pixel Quest"},
     {"{} but every rule is reversed", "Beating {} without a sword", "{} - Part 12", "I built a city in {}",
      "{}: the hardest boss yet", "100 days in {}", "{} speedrun explained", "We broke {} with friends"}},
    {24,
     0.16,
     "Show",
     {"the Longest Slide", "a Mystery Box", "100 Doors", "a Giant Maze", "the Cheapest Hotel", "an Abandoned Mall",
      "a Floating House", "the Quiet Game"},
     {"We tried {} for 24 hours", "{}: last one standing wins", "Surprising my brother with {}", "I survived {}",
      "Rating {} so you don't have to", "{} challenge", "The truth about {}", "{} (gone wrong)"}},
    {22,
     0.14,
     "Diaries",
     {"a Week in Lisbon", "Moving Out", "My Morning", "Our First Garden", "Night Shifts", "a Slow Sunday",
      "Learning to Surf", "the New Flat"},
     {"{} | vlog", "{}, honestly", "What nobody tells you about {}", "{} - a quiet diary", "Q&A: {}",
      "{} and other small news", "Come along: {}", "{} in 8 minutes"}},
    {26,
     0.1,
     "Studio",
     {"Winter Capsule", "Bold Brows", "Linen Shirts", "a Tiny Kitchen", "Sourdough", "Balcony Plants", "Soft Waves",
      "Thrifted Denim"},
     {"{} for beginners", "{}: 5 mistakes", "How I do {}", "{} under 20", "{} | step by step", "Trying {} for a month",
      "{} that really lasts", "The best {} of the year"}},
    {27,
     0.08,
     "Explains",
     {"Black Holes", "the Roman Road", "Prime Numbers", "Inflation", "the Human Heart", "Deep Sea Life", "Old Maps",
      "Bridges"},
     {"Why {} matter more than you think", "{} in ten minutes", "The strange history of {}", "{}, explained simply",
      "What we got wrong about {}", "{}: a visual guide", "How {} really work", "The maths behind {}"}},
    {28,
     0.08,
     "Lab",
     {"Foldable Phones", "a Silent PC", "Home Batteries", "Electric Bikes", "Tiny Drones", "the New Chip",
      "Smart Glasses", "3D Printing"},
     {"{} review: one month later", "I built {} from scraps", "{} are finally good", "Don't buy {} yet",
      "{} vs last year", "Inside {}", "{}: the good and the bad", "Testing {} to the limit"}},
    {17,
     0.06,
     "Sports",
     {"the Final", "Street Football", "the Marathon", "Free Climbing", "the Derby", "Skate Park", "the Relay",
      "Open Water"},
     {"{}: highlights", "{} | all goals", "Training for {}", "The best moments of {}", "{} - full story",
      "I entered {} with no practice", "{} in slow motion", "How they won {}"}},
    {25,
     0.04,
     "Report",
     {"the Harbour Vote", "Rising Rents", "the Heat Wave", "Rail Strikes", "the Budget", "Local Schools", "the Flood",
      "Water Prices"},
     {"{}: what we know", "{} explained", "Voices on {}", "{} | evening report", "The week after {}",
      "{} in five charts", "Who pays for {}?", "{}: questions and answers"}},
}};
constexpr std::array<std::string_view, 24> kNames = {"Maya",  "Otto", "Lina", "Theo", "Ines", "Kofi",  "Yuki", "Ravi",
                                                     "Nora",  "Emil", "Zara", "Luca", "Alma", "Jonas", "Mei",  "Tariq",
                                                     "Freya", "Hugo", "Suri", "Niko", "Elif", "Mateo", "Anya", "Bruno"};
constexpr std::array<std::string_view, 20> kPlaces = {
    "Corner", "Harbour", "Maple", "Copper", "Velvet", "Orbit",  "Lantern", "Pepper", "Willow", "Comet",
    "Canyon", "Saffron", "Pixel", "Meadow", "Cobalt", "Falcon", "Ginger",  "Tundra", "Breeze", "Quartz"};
constexpr std::array<std::string_view, 8> kCountries = {"US", "IN", "GB", "BR", "DE", "JP", "MX", "FR"};
constexpr std::array<std::string_view, 8> kLanguages = {"en", "hi", "en", "pt", "de", "ja", "es", "fr"};

const Genre& pick_genre(Random& random) {
  double left = random.unit();
  for (const Genre& genre : kGenres)
    if ((left -= genre.weight) < 0) return genre;
  return kGenres.front();
}

std::string with(std::string_view shape, std::string_view subject) {
  const size_t at = shape.find("{}");
  std::string title(shape.substr(0, at));
  title += subject;
  title += shape.substr(at + 2);
  if (title[0] >= 'a' && title[0] <= 'z') title[0] = char(title[0] - 'a' + 'A');
  return title;
}

std::string video_id(uint64_t seed, int number) {
  const uint64_t a = stable_hash("video", seed ^ (uint64_t(number) << 20)), b = stable_hash("id", a);
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += char(a >> (8 * i) & 0xff);
  bytes += char(b & 0xff);
  return base64url(bytes).substr(0, 11);
}

// How a video's views come in: most at first, a tail that never quite ends, and for a few a wave later.
struct Growth {
  double views, decay_days, tail_per_day, like_rate, comment_rate;
  double wave_views = 0, wave_day = 0, wave_width = 1;

  double at(double age) const {
    double total = views * (1 - std::exp(-age / decay_days)) + tail_per_day * age;
    if (wave_views > 0) {
      const auto logistic = [&](double t) { return 1 / (1 + std::exp(-(t - wave_day) / wave_width)); };
      total += wave_views * (logistic(age) - logistic(0));
    }
    return total;
  }
};

void check(const GeneratorOptions& o) {
  if (o.channels < 1 || o.channels > 100'000) throw InvalidInput("sandbox population must be 1 to 100000 channels");
  if (o.videos < 1 || o.videos > 2'000'000) throw InvalidInput("sandbox videos must be 1 to 2000000");
  if (o.days < 1 || o.days > 1000) throw InvalidInput("sandbox days must be 1 to 1000");
  if (int64_t(o.videos) * o.days > 50'000'000)
    throw InvalidInput("sandbox videos times days must be at most 50 million");
}

}  // namespace

Population generate(const GeneratorOptions& options) {
  check(options);
  Random random(options.seed);
  std::vector<Channel> channels;
  std::vector<const Genre*> genres;
  std::vector<double> followers, weights;
  std::set<std::string> titles;
  double weight_sum = 0;
  for (int i = 0; i < options.channels; ++i) {
    const Genre& genre = pick_genre(random);
    Channel channel;
    const size_t country = random.below(kCountries.size());
    channel.title = random.unit() < 0.5
                        ? fmt::format("{} {}", random.one_of(kNames), genre.channel_word)
                        : fmt::format("{} {} {}", random.one_of(kPlaces), random.one_of(kPlaces), genre.channel_word);
    for (int n = 2; !titles.insert(channel.title).second; ++n)
      channel.title =
          fmt::format("{} {}", channel.title.substr(0, channel.title.find_last_not_of("0123456789 ") + 1), n);
    channel.id = channel_id(channel.title);
    channel.description = fmt::format("{}. New videos every week.", channel.title);
    channel.country = kCountries[country];
    channel.thumbnail = fmt::format("https://thumbnails.invalid/channel/{}.jpg", channel.id);
    channel.published_at = midnight(options.first_day) - std::chrono::hours{24 * int64_t(200 + random.below(3000))} -
                           std::chrono::seconds{int64_t(random.below(86'400))};
    genres.push_back(&genre);
    // A power law with the exponent that follower counts have, cut at 60 million.
    followers.push_back(std::min(6e7, random.power(2'000, 0.75)));
    // Big channels publish more, but not in proportion.
    weights.push_back(std::pow(followers.back(), 0.25) * random.between(0.3, 1.7));
    weight_sum += weights.back();
    channels.push_back(std::move(channel));
  }
  std::vector<double> cumulated;
  for (double sum = 0; const double weight : weights) cumulated.push_back(sum += weight / weight_sum);

  std::vector<Video> videos;
  std::vector<std::map<Day, double>> gained(channels.size());  // views a day, for the followers
  std::vector<std::vector<std::pair<double, uint32_t>>> heat(static_cast<size_t>(options.days));
  for (int i = 0; i < options.videos; ++i) {
    const size_t owner =
        std::min(size_t(std::upper_bound(cumulated.begin(), cumulated.end(), random.unit()) - cumulated.begin()),
                 channels.size() - 1);
    const Genre& genre = *genres[owner];
    Video video;
    video.id = video_id(options.seed, i);
    video.channel = uint32_t(owner);
    video.category = genre.category;
    const size_t subject = random.below(genre.subjects.size());
    video.title = with(genre.shapes[random.below(genre.shapes.size())], genre.subjects[subject]);
    if (random.unit() < 0.3) video.title += fmt::format(" #{}", 1 + random.below(40));
    video.description = fmt::format("{}\n\nSubscribe to {} for more.", video.title, channels[owner].title);
    video.tags = {channels[owner].title, std::string(genre.subjects[subject]), std::string(genre.channel_word),
                  std::string(genre.subjects[(subject + 1) % genre.subjects.size()])};
    video.language = kLanguages[size_t(std::find(kCountries.begin(), kCountries.end(), channels[owner].country) -
                                       kCountries.begin())];
    video.thumbnail = fmt::format("https://thumbnails.invalid/vi/{}/default.jpg", video.id);
    video.duration_seconds = int(std::min(7200.0, 20 + random.power(90, 1.1)));
    // A third is older than the simulated days.
    const double born = random.unit() < 0.33 ? -random.between(0, 60) : random.between(0, options.days);
    const Day first = options.first_day + std::max(0, int(std::ceil(born)));
    const auto published = std::chrono::microseconds{int64_t(born * 86'400) * 1'000'000};
    video.published_at = midnight(options.first_day) + published;
    if (first >= options.first_day + options.days) video.published_at = midnight(options.first_day);

    Growth growth{.views = followers[owner] * random.power(0.02, 1.3),
                  .decay_days = random.between(1, 5),
                  .tail_per_day = followers[owner] * random.between(0.0002, 0.002),
                  .like_rate = random.between(0.01, 0.06),
                  .comment_rate = random.between(0.0005, 0.005)};
    growth.views = std::min(growth.views, 2e8);
    if (random.unit() < 0.03) {
      growth.wave_views = std::min(5e8, growth.views * random.power(3, 1.2));
      growth.wave_day = random.between(3, 25);
      growth.wave_width = random.between(0.5, 2);
    }
    int64_t before = 0;
    const Day end = options.first_day + options.days;
    for (Day day = std::min(first, Day(end - 1)); day < end; ++day) {
      const double age = std::max(0.0, double(day - options.first_day) - born);
      const double views = growth.at(age);
      // Rates drift down as a video leaves the circle of its followers.
      const double drift = 1 / (1 + age / 60);
      Snapshot snapshot{.day = day,
                        .views = int64_t(views),
                        .likes = int64_t(views * growth.like_rate * (0.7 + 0.3 * drift)),
                        .comments = int64_t(views * growth.comment_rate * (0.7 + 0.3 * drift))};
      if (!video.snapshots.empty()) {
        snapshot.likes = std::max(snapshot.likes, video.snapshots.back().likes);
        snapshot.comments = std::max(snapshot.comments, video.snapshots.back().comments);
      }
      const double gain = double(snapshot.views - before);
      if (!video.snapshots.empty()) gained[owner][day] += gain;
      heat[size_t(day - options.first_day)].emplace_back(gain / (1 + age / 7), uint32_t(i));
      before = snapshot.views;
      video.snapshots.push_back(snapshot);
    }
    videos.push_back(std::move(video));
  }

  std::map<Day, std::vector<uint32_t>> charts;
  for (int d = 0; d < options.days; ++d) {
    auto& candidates = heat[size_t(d)];
    std::sort(candidates.begin(), candidates.end(), [](const auto& a, const auto& b) {
      return a.first != b.first ? a.first > b.first : a.second < b.second;
    });
    auto& chart = charts[options.first_day + d];
    for (size_t i = 0; i < std::min(kChartLength, candidates.size()); ++i) chart.push_back(candidates[i].second);
  }

  std::unordered_map<uint32_t, std::map<Day, int64_t>> subscribers;
  for (uint32_t i = 0; i < channels.size(); ++i) {
    double count = followers[i];
    const double organic = 1 + random.between(0.00005, 0.002);
    for (int d = 0; d < options.days; ++d) {
      const Day day = options.first_day + d;
      count *= organic;
      if (const auto views = gained[i].find(day); views != gained[i].end()) count += views->second * 0.002;
      subscribers[i][day] = int64_t(count);
    }
  }
  return Population(std::move(channels), std::move(videos), std::move(charts), std::move(subscribers));
}

}  // namespace dalgona::sandbox
