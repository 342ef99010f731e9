#include "insights/keywords/stop_words.h"

#include <algorithm>

#include "base/errors.h"
#include "base/resources.h"
#include "base/text.h"
#include "insights/keywords/unicode.h"

namespace dalgona::insights {

StopWords::StopWords(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::vector<Slot> words;
  for (std::string_view line : split(text, '\n')) {
    line = trim(line);
    if (line.empty() || line.starts_with("# ")) continue;
    const auto begin = static_cast<uint32_t>(chars_.size());
    std::u32string word = unicode::from_utf8(line);
    unicode::append_lower(word, chars_);
    words.push_back({begin, static_cast<uint32_t>(chars_.size()) - begin});
  }
  size_t size = 16;
  while (size < words.size() * 2) size *= 2;
  slots_.resize(size);
  for (const Slot& word : words) {
    const auto view = std::u32string_view(chars_).substr(word.begin, word.size);
    if (contains(view)) continue;
    size_t at = unicode::hash(view) & (size - 1);
    while (slots_[at].size != 0) at = (at + 1) & (size - 1);
    slots_[at] = word;
    ++count_;
  }
}

bool StopWords::contains(std::u32string_view word) const {
  const size_t mask = slots_.size() - 1;
  for (size_t at = unicode::hash(word) & mask; slots_[at].size != 0; at = (at + 1) & mask)
    if (std::u32string_view(chars_).substr(slots_[at].begin, slots_[at].size) == word) return true;
  return false;
}

std::shared_ptr<const StopWords> StopWords::from_file(const std::filesystem::path& path) {
  return std::make_shared<const StopWords>(read_file(path));
}

std::shared_ptr<const StopWords> StopWords::of_language(std::string_view language) {
  const std::string name = to_lower_ascii(language.substr(0, language.find_first_of("-_")));
  const std::vector<std::string> known = languages();
  if (std::find(known.begin(), known.end(), name) == known.end())
    throw InvalidInput("no stop words for language '" + std::string(language) + "'" + did_you_mean(name, known) +
                       "; `dalgona insights languages` lists them, --stopwords FILE gives another list");
  return from_file(resource("config/stopwords/" + name + ".txt"));
}

std::vector<std::string> StopWords::languages() {
  std::vector<std::string> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(resource("config/stopwords"), error))
    if (entry.path().extension() == ".txt") found.push_back(entry.path().stem().string());
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace dalgona::insights
