#include <algorithm>
#include <array>

#include "fake_follower/indic.h"

namespace dalgona::fake_follower {
namespace {

// Urdu leaves short vowels out; for the commonest names no rule can know them.
struct KnownName {
  std::u32string_view urdu;
  std::string_view latin;
};
constexpr std::array kKnownNames = std::to_array<KnownName>({{U"محمد", "mohammad"},
                                                             {U"احمد", "ahmed"},
                                                             {U"حسین", "hussain"},
                                                             {U"حسن", "hasan"},
                                                             {U"علی", "ali"},
                                                             {U"عمر", "umar"},
                                                             {U"عثمان", "usman"},
                                                             {U"بلال", "bilal"},
                                                             {U"حمزہ", "hamza"},
                                                             {U"مریم", "maryam"},
                                                             {U"عائشہ", "ayesha"},
                                                             {U"خدیجہ", "khadija"},
                                                             {U"زینب", "zainab"},
                                                             {U"یوسف", "yusuf"},
                                                             {U"ابراہیم", "ibrahim"},
                                                             {U"اسماعیل", "ismail"},
                                                             {U"مصطفی", "mustafa"},
                                                             {U"عبداللہ", "abdullah"},
                                                             {U"عبدالرحمن", "abdulrahman"},
                                                             {U"رحمن", "rahman"},
                                                             {U"اللہ", "allah"},
                                                             {U"شاہ", "shah"},
                                                             {U"خان", "khan"},
                                                             {U"شیخ", "sheikh"},
                                                             {U"قریشی", "qureshi"},
                                                             {U"انصاری", "ansari"},
                                                             {U"صدیقی", "siddiqui"},
                                                             {U"مرزا", "mirza"},
                                                             {U"بیگم", "begum"},
                                                             {U"اقبال", "iqbal"},
                                                             {U"غلام", "ghulam"},
                                                             {U"شاہد", "shahid"},
                                                             {U"عرفان", "irfan"},
                                                             {U"عمران", "imran"},
                                                             {U"کامران", "kamran"},
                                                             {U"سلمان", "salman"},
                                                             {U"فرحان", "farhan"},
                                                             {U"ارسلان", "arsalan"},
                                                             {U"رضوان", "rizwan"},
                                                             {U"نعمان", "nauman"},
                                                             {U"جنید", "junaid"},
                                                             {U"مجاہد", "mujahid"},
                                                             {U"مبارک", "mubarak"},
                                                             {U"منیر", "munir"},
                                                             {U"تنویر", "tanveer"},
                                                             {U"اسلم", "aslam"},
                                                             {U"اکرم", "akram"},
                                                             {U"انور", "anwar"},
                                                             {U"اظہر", "azhar"},
                                                             {U"صائمہ", "saima"},
                                                             {U"نائلہ", "naila"},
                                                             {U"ثمینہ", "samina"},
                                                             {U"رخسانہ", "rukhsana"},
                                                             {U"شبانہ", "shabana"},
                                                             {U"مہرین", "mehreen"},
                                                             {U"مہوش", "mehwish"},
                                                             {U"سدرہ", "sidra"},
                                                             {U"اقراء", "iqra"},
                                                             {U"فاطمہ", "fatima"},
                                                             {U"جاوید", "javed"},
                                                             {U"شاہرخ", "shahrukh"},
                                                             {U"رخ", "rukh"},
                                                             {U"فضل", "fazal"}});

struct Letter {
  char32_t urdu;
  std::string_view latin;
};
constexpr std::array kLetters = std::to_array<Letter>(
    {{0x628, "b"},  {0x67E, "p"},  {0x62A, "t"}, {0x679, "t"}, {0x62B, "s"}, {0x62C, "j"}, {0x686, "ch"}, {0x62D, "h"},
     {0x62E, "kh"}, {0x62F, "d"},  {0x688, "d"}, {0x630, "z"}, {0x631, "r"}, {0x691, "r"}, {0x632, "z"},  {0x698, "zh"},
     {0x633, "s"},  {0x634, "sh"}, {0x635, "s"}, {0x636, "z"}, {0x637, "t"}, {0x638, "z"}, {0x63A, "gh"}, {0x641, "f"},
     {0x642, "q"},  {0x643, "k"},  {0x6A9, "k"}, {0x6AF, "g"}, {0x644, "l"}, {0x645, "m"}, {0x646, "n"},  {0x6BA, "n"},
     {0x647, "h"},  {0x6C1, "h"},  {0x6BE, "h"}, {0x6C2, "e"}, {0x660, "0"}});

std::string_view consonant_of(char32_t c) {
  for (const Letter& letter : kLetters)
    if (letter.urdu == c) return letter.latin;
  return {};
}

bool is_alef(char32_t c) {
  return c == 0x627 || c == 0x622 || c == 0x623 || c == 0x625 || c == 0x671;
}
bool is_yeh(char32_t c) {
  return c == 0x6CC || c == 0x64A || c == 0x649;
}
bool is_he(char32_t c) {
  return c == 0x6C1 || c == 0x647 || c == 0x629 || c == 0x6C3;
}

bool ends_in_vowel(const std::string& out) {
  return out.empty() || std::string_view("aeiou").find(out.back()) != std::string_view::npos;
}

}  // namespace

bool is_urdu(char32_t c) {
  return (c >= 0x620 && c <= 0x65F) || (c >= 0x670 && c <= 0x6D3);
}

std::string urdu_to_latin(std::u32string_view word) {
  std::u32string letters;  // without elongation
  for (const char32_t c : word)
    if (c != 0x640 && is_urdu(c))
      letters.push_back(c == 0x643 ? 0x6A9 : c == 0x64A || c == 0x649 ? 0x6CC : c == 0x647 ? 0x6C1 : c);
  for (const KnownName& known : kKnownNames)
    if (known.urdu == letters) return std::string(known.latin);
  std::string out;
  const size_t n = letters.size();
  // The Arabic agent's form, consonant, alef, two consonants, has i between the last two: Tariq, Khalid, Asif, Adil.
  // Letters that Arabic lacks (Sagar, Nagar) have no part in it.
  const auto arabic = [&](size_t i) {
    constexpr std::u32string_view kOthers = U"پٹچڈڑژگںھ";
    return !consonant_of(letters[i]).empty() && kOthers.find(letters[i]) == std::u32string_view::npos;
  };
  const bool agent = (n == 4 && (arabic(0) || letters[0] == 0x639 || is_yeh(letters[0])) && letters[1] == 0x627 &&
                      arabic(2) && arabic(3) && !is_he(letters[3])) ||
                     (n == 3 && letters[0] == 0x622 && arabic(1) && arabic(2) && !is_he(letters[2]));
  const auto consonant_at = [&](size_t i) { return i < n && !consonant_of(letters[i]).empty(); };
  bool open = false;  // the last sound is a consonant without a vowel yet
  for (size_t i = 0; i < n; ++i) {
    const char32_t c = letters[i];
    const bool last = i + 1 == n;
    if (is_alef(c)) {
      if (i == 0 && !last && is_yeh(letters[1])) {  // ای: i, e
        out += i + 2 < n ? "ee" : "i";
        ++i;
      } else if (i == 0 && !last && letters[1] == 0x648) {
        out += "o";
        ++i;
      } else {
        out += "a";
      }
      open = false;
    } else if (c == 0x639) {  // ain: a vowel's place
      if (out.empty() || out.back() != 'a') out += "a";
      open = false;
    } else if (c == 0x648) {  // waw
      const bool vowel_after = !last && (is_alef(letters[i + 1]) || is_yeh(letters[i + 1]) || letters[i + 1] == 0x6D2);
      if (i == 0 || vowel_after || ends_in_vowel(out)) {
        out += i == 0 ? "w" : "v";
        open = !vowel_after && !last;
      } else {
        out += last ? "o" : "u";
        open = false;
      }
    } else if (is_yeh(c)) {
      const bool vowel_after = !last && (is_alef(letters[i + 1]) || letters[i + 1] == 0x648 || letters[i + 1] == 0x6D2);
      const bool ends_ya = !last && i + 2 == n && is_he(letters[i + 1]);
      if (i == 0 || ends_ya || (vowel_after && ends_in_vowel(out))) {
        out += i > 0 && !ends_in_vowel(out) ? "iy" : "y";
        open = !vowel_after && !last && !ends_ya;
      } else if (vowel_after) {
        out += open ? "iy" : "y";
        open = false;
      } else if (out.ends_with("a") && !last) {
        out += "i";
        open = false;
      } else {
        out += last ? "i" : "ee";
        open = false;
      }
    } else if (c == 0x6D2) {
      out += "e";
      open = false;
    } else if (c == 0x626 || c == 0x621 || c == 0x624) {  // hamza
      if (c == 0x626) out += last ? "i" : "y";
      if (c == 0x624) out += "o";
      open = false;
    } else if (c == 0x64E || c == 0x670) {
      out += "a";
      open = false;
    } else if (c == 0x650) {
      out += "i";
      open = false;
    } else if (c == 0x64F) {
      out += "u";
      open = false;
    } else if (c == 0x651) {
      if (!out.empty() && !ends_in_vowel(out)) out += out.back();
    } else if (is_he(c) && last && i > 0 && !ends_in_vowel(out)) {
      out += "a";  // final he is a vowel's letter
      open = false;
    } else if (is_he(c) && last && i > 0 && c == 0x629) {
      out += "a";
    } else if (!consonant_of(c).empty()) {
      // Two consonants in a row: the reader supplies an a, once; behind a long vowel or at the end a cluster stands.
      const bool aspirates = c == 0x6BE;
      if (open && !aspirates) {
        const bool closes = last || consonant_at(i + 1);
        const size_t vowels = static_cast<size_t>(std::count_if(out.begin(), out.end(), [](char v) {
          return std::string_view("aeiou").find(v) != std::string_view::npos;
        }));
        if (closes || vowels == 0) out += agent && last ? "i" : "a";
      }
      out += consonant_of(c);
      open = true;
    }
  }
  return out;
}

}  // namespace dalgona::fake_follower
