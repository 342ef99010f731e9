#include <array>
#include <vector>

#include "fake_follower/indic.h"

namespace dalgona::fake_follower {
namespace {

enum class Script { kDevanagari, kBengali, kGurmukhi, kGujarati, kOdia, kTamil, kTelugu, kKannada, kMalayalam };

Script script_of(char32_t c) {
  return static_cast<Script>((c - 0x900) / 0x80);
}
bool is_southern(Script s) {
  return s == Script::kTamil || s == Script::kTelugu || s == Script::kKannada || s == Script::kMalayalam;
}
// Written but not spoken: the inherent vowel at a word's end, and inside of it where a vowel stands on either side.
bool drops_last_vowel(Script s) {
  return !is_southern(s);
}
bool drops_inner_vowels(Script s) {
  return s == Script::kDevanagari || s == Script::kGujarati || s == Script::kGurmukhi;
}

// By offset in the block. Consonants 0x15 to 0x39.
constexpr std::array<std::string_view, 0x25> kConsonants = {
    "k", "kh", "g", "gh", "n", "ch", "chh", "j", "jh", "n", "t", "th", "d",  "dh", "n",  "t",  "th", "d", "dh",
    "n", "n",  "p", "ph", "b", "bh", "m",   "y", "r",  "r", "l", "l",  "zh", "v",  "sh", "sh", "s",  "h"};
// Independent vowels 0x05 to 0x14 and their signs 0x3E to 0x4C.
constexpr std::array<std::string_view, 0x10> kVowels = {"a", "a", "i", "ee", "u", "u", "ri", "li",
                                                        "e", "e", "e", "ai", "o", "o", "o",  "au"};
constexpr std::array<std::string_view, 0x0F> kSigns = {"a", "i", "ee", "u", "u", "ri", "ri", "e",
                                                       "e", "e", "ai", "o", "o", "o",  "au"};

struct Unit {
  std::string consonant;  // "" for a vowel that stands alone
  std::string vowel;      // "" after a virama
  bool inherent = false;  // the vowel is the unwritten a
  bool nasal = false;     // anusvara or candrabindu behind it
  bool long_i = false;
  uint8_t letter = 0;  // offset in the block
};

bool is_labial(const std::string& consonant) {
  return !consonant.empty() && (consonant[0] == 'p' || consonant[0] == 'b' || consonant[0] == 'm');
}

std::vector<Unit> read(std::u32string_view word, Script script) {
  std::vector<Unit> units;
  bool doubled = false;  // Gurmukhi's addak
  for (const char32_t c : word) {
    if (c == 0x200C || c == 0x200D) continue;
    if (script == Script::kMalayalam && c >= 0xD7A && c <= 0xD7F) {  // chillus: consonants that end a syllable
      constexpr std::string_view kChillus[] = {"n", "n", "r", "l", "l", "k"};
      units.push_back({.consonant = std::string(kChillus[c - 0xD7A]), .vowel = {}});
      continue;
    }
    if (c == 0x9CE) {  // Bengali khanda ta
      units.push_back({.consonant = "t", .vowel = {}});
      continue;
    }
    const auto at = static_cast<uint8_t>((c - 0x900) % 0x80);
    if (at >= 0x15 && at <= 0x39) {
      Unit unit{.consonant = std::string(kConsonants[at - 0x15]), .vowel = "a", .inherent = true, .letter = at};
      if (doubled) units.push_back({.consonant = unit.consonant.substr(0, 1), .vowel = {}});
      doubled = false;
      units.push_back(unit);
    } else if (at >= 0x58 && at <= 0x5F && script != Script::kTelugu && script != Script::kKannada) {
      constexpr std::string_view kDotted[] = {"q", "kh", "g", "z", "d", "dh", "f", "y"};
      units.push_back({.consonant = std::string(kDotted[at - 0x58]), .vowel = "a", .inherent = true, .letter = at});
    } else if (at >= 0x05 && at <= 0x14) {
      units.push_back({.consonant = {}, .vowel = std::string(kVowels[at - 0x05]), .long_i = at == 0x08, .letter = at});
    } else if (at == 0x60) {
      units.push_back({.consonant = {}, .vowel = "ri"});
    } else if (at == 0x72 || at == 0x73) {
      units.push_back({.consonant = {}, .vowel = "e"});
    } else if (at >= 0x3E && at <= 0x4C && !units.empty()) {
      units.back().vowel = kSigns[at - 0x3E];
      units.back().inherent = false;
      units.back().long_i = at == 0x40;
    } else if (at == 0x4D && !units.empty()) {
      units.back().vowel.clear();
      units.back().inherent = false;
    } else if (at == 0x3C && !units.empty()) {  // a dot below: the Persian sounds
      std::string& sound = units.back().consonant;
      if (script == Script::kBengali && units.back().letter == 0x2F)
        sound = "y", units.back().letter = 0x5F;
      else if (sound == "j")
        sound = "z";
      else if (sound == "ph")
        sound = "f";
      else if (sound == "k")
        sound = "q";
      else if (sound == "s")
        sound = "sh";
    } else if ((at == 0x01 || at == 0x02 || at == 0x70) && !units.empty()) {
      units.back().nasal = true;
    } else if (at == 0x03 && !units.empty()) {
      units.back().vowel += "h";
      units.back().inherent = false;
    } else if (at == 0x71 && script == Script::kGurmukhi) {
      doubled = true;
    }
  }
  return units;
}

bool has_vowel(const Unit& unit) {
  return !unit.vowel.empty();
}

// Kept behind a cluster that ends in a liquid, nasal or glide (Chandra, Krishna, Satya), dropped else (Vasant, Garg).
bool ends_in_sonorous_cluster(const std::vector<Unit>& units) {
  if (units.size() < 2) return false;
  const Unit& before = units[units.size() - 2];
  if (has_vowel(before)) return false;
  constexpr std::string_view kSonorous = "rylvmn";
  return kSonorous.find(units.back().consonant[0]) != std::string_view::npos &&
         units.back().consonant != before.consonant;
}

void drop_silent_vowels(std::vector<Unit>& units, Script script) {
  if (units.size() < 2) return;
  Unit& last = units.back();
  if (drops_last_vowel(script) && last.inherent && !last.nasal) {
    const bool cluster = !has_vowel(units[units.size() - 2]);
    const bool kept = drops_inner_vowels(script) ? ends_in_sonorous_cluster(units) : cluster;
    if (!kept) last.vowel.clear();
  }
  if (!drops_inner_vowels(script)) return;
  // From the end: an inherent vowel between a syllable that has a vowel and a single consonant that has one.
  for (size_t i = units.size() - 1; i-- > 1;) {
    Unit& unit = units[i];
    if (!unit.inherent || !has_vowel(unit) || unit.nasal || units[i - 1].nasal) continue;
    const Unit& next = units[i + 1];
    // Gurpreet, Manpreet: in Gurmukhi a stop and r behind it count as one consonant.
    const bool joined = script == Script::kGurmukhi && !has_vowel(next) && i + 2 < units.size() &&
                        units[i + 2].consonant == "r" && has_vowel(units[i + 2]);
    if (!has_vowel(units[i - 1]) || next.consonant.empty() || (!has_vowel(next) && !joined)) continue;
    unit.vowel.clear();
  }
}

// Sounds that depend on their neighbours: Tamil's stops, the southern th, Bengali's and Odia's v and y.
void settle_sounds(std::vector<Unit>& units, Script script) {
  for (size_t i = 0; i < units.size(); ++i) {
    Unit& unit = units[i];
    const bool first = i == 0;
    const bool after_vowel = !first && has_vowel(units[i - 1]) && !units[i - 1].nasal;
    const bool closed = !has_vowel(unit);
    const Unit* before = first ? nullptr : &units[i - 1];
    const bool same_before = before && !has_vowel(*before) && before->letter == unit.letter;
    const bool same_after = closed && i + 1 < units.size() && units[i + 1].letter == unit.letter;
    const bool after_nasal =
        before && ((!has_vowel(*before) && (before->consonant == "n" || before->consonant == "m")) || before->nasal);
    if (script == Script::kTamil) {
      const bool soft = !first && !same_before && !same_after && (after_vowel || after_nasal) && !closed;
      switch (unit.letter) {
        case 0x15:
          unit.consonant = soft ? "g" : "k";
          break;
        case 0x1A:
          unit.consonant = same_before || same_after ? "ch" : after_nasal ? "j" : "s";
          break;
        case 0x1F:
          unit.consonant = soft ? "d" : "t";
          break;
        case 0x24:
          unit.consonant = first ? "d" : same_after ? "" : "th";  // Muthu, Karthik
          break;
        case 0x2A:
          unit.consonant = soft ? "b" : "p";
          break;
        case 0x31:
          unit.consonant = same_after ? "t" : "r";
          break;
        default:
          break;
      }
    } else if (is_southern(script)) {
      const bool after_r = before && !has_vowel(*before) && before->consonant == "r";
      const bool ends = closed && i + 1 == units.size();  // Puneeth, Srikanth
      if (unit.letter == 0x24 && (!closed || ends) && (after_vowel || after_r || after_nasal)) unit.consonant = "th";
      if (script == Script::kMalayalam && unit.letter == 0x24 && (same_before || same_after))
        unit.consonant = same_after ? "" : "th";
      if (script == Script::kMalayalam && unit.letter == 0x31) unit.consonant = same_before || same_after ? "t" : "r";
    } else if (unit.letter == 0x34) {
      unit.consonant = "l";
    }
    if (unit.letter == 0x34 && (script == Script::kTelugu || script == Script::kKannada)) unit.consonant = "l";
    if (script == Script::kBengali && unit.letter == 0x2F) {
      unit.consonant = before && !has_vowel(*before) ? "y" : "j";
    }
    if (script == Script::kOdia && unit.letter == 0x2F) unit.consonant = before && !has_vowel(*before) ? "y" : "j";
  }
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}
void replace_first(std::string& text, std::string_view from, std::string_view to) {
  if (text.starts_with(from)) text.replace(0, from.size(), to);
}

// Spellings that bearers of names settled on, whatever the letters say.
void settle_spelling(std::string& latin, Script script) {
  if (script != Script::kGurmukhi) replace_all(latin, "sv", "sw");  // Swati, Saraswati; but Jasveer
  replace_all(latin, "shv", "shw");                                 // Ashwini, Eshwar
  replace_all(latin, "eesh", "ish");                                // Girish, Manish, Isha
  if (latin.ends_with("ayi")) latin.replace(latin.size() - 3, 3, "ai");
  if (!is_southern(script) && !latin.starts_with("phul")) replace_first(latin, "ph", "f");  // Farhan, Falguni; Phulan
  switch (script) {
    case Script::kBengali:
      replace_all(latin, "au", "ou");  // Mousumi, Sourav
      break;
    case Script::kGurmukhi:
      replace_all(latin, "indar", "inder");  // Balwinder, Inderjeet
      for (const std::string_view behind : {"l", "h", "s", "r", "n", "t"}) {
        for (const std::string_view part : {"vin", "van"}) {
          const std::string from = std::string(behind) + std::string(part);
          std::string to = from;
          to[1] = 'w';
          replace_all(latin, from, to);
        }
      }
      break;
    case Script::kTamil:
      replace_first(latin, "piri", "pri");  // a vowel written to part a cluster: Priya, Prakash, Krishnan
      replace_first(latin, "pira", "pra");
      replace_first(latin, "kirush", "krish");
      replace_all(latin, "tsum", "kshm");  // Lakshmi, Meenakshi
      replace_all(latin, "ts", "ksh");
      break;
    case Script::kTelugu:
      replace_first(latin, "shree", "sri");  // Srinivas
      break;
    case Script::kMalayalam:
      replace_first(latin, "shree", "sree");  // Sreejith
      break;
    default:
      break;
  }
}

}  // namespace

bool is_brahmic(char32_t c) {
  return c >= 0x900 && c <= 0xD7F;
}

std::string brahmic_to_latin(std::u32string_view word) {
  if (word.empty()) return {};
  char32_t lead = word.front();
  for (const char32_t c : word) {
    if (is_brahmic(c)) {
      lead = c;
      break;
    }
  }
  if (!is_brahmic(lead)) return {};
  const Script script = script_of(lead);
  auto units = read(word, script);
  drop_silent_vowels(units, script);
  settle_sounds(units, script);
  std::string out;
  for (size_t i = 0; i < units.size(); ++i) {
    const Unit& unit = units[i];
    const bool last = i + 1 == units.size();
    const Unit* next = last ? nullptr : &units[i + 1];
    std::string consonant = unit.consonant;
    // ज्ञ is gy in the north; क्ष is ksh everywhere; च्छ is chh, not chchh.
    if (consonant == "j" && unit.vowel.empty() && next && next->letter == 0x1E) {
      consonant = is_southern(script) ? "j" : "g";
    } else if (i > 0 && unit.letter == 0x1E && units[i - 1].letter == 0x1C && units[i - 1].vowel.empty() &&
               !is_southern(script)) {
      consonant = "y";
    } else if (consonant == "ch" && unit.vowel.empty() && next && next->consonant.starts_with("ch")) {
      consonant = next->consonant == "chh" ? "" : "c";
    } else if (consonant == "chh" && i > 0 && units[i - 1].consonant == "ch" && units[i - 1].vowel.empty()) {
      consonant = "chh";
    } else if (consonant == "th" && unit.vowel.empty() && next && next->consonant == "th") {
      consonant = "t";
    } else if (i > 0 && (consonant == "th" || consonant == "dh") && units[i - 1].vowel.empty() &&
               units[i - 1].letter == unit.letter && unit.letter == 0x24) {
      consonant = "th";
    }
    out += consonant;
    if (unit.long_i)
      out += last && !unit.nasal ? "i" : "ee";
    else
      out += unit.vowel;
    if (unit.nasal)
      out += next && is_labial(next->consonant)                                                                  ? "m"
             : (script == Script::kTelugu || script == Script::kKannada || script == Script::kMalayalam) && last ? "m"
                                                                                                                 : "n";
  }
  settle_spelling(out, script);
  return out;
}

}  // namespace dalgona::fake_follower
