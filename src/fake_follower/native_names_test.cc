// Real given names in their own script beside the usual Latin spelling, for all ten scripts. No rule can meet every
// spelling that people chose, so what is held is the share, and every miss is printed. The
// rules were settled with these names in view, so expect less on others.
#include <iostream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "fake_follower/fuzz.h"
#include "fake_follower/transliterate.h"
#include "insights/keywords/unicode.h"

namespace dalgona::fake_follower {
namespace {

struct Name {
  const char* native;
  const char* usual;
};
struct Script {
  const char* name;
  double least_exact;  // measured, in percent, rounded down
  double least_near;   // similarity (ratio) above 80, the same
  std::vector<Name> names;
};

const std::vector<Script>& scripts() {
  static const std::vector<Script> all = {
      {"Devanagari",
       92,
       95,
       {{"राहुल", "rahul"},       {"अमित", "amit"},          {"सुनीता", "sunita"},   {"प्रिया", "priya"},
        {"विकास", "vikas"},      {"संजय", "sanjay"},         {"रमेश", "ramesh"},     {"सुरेश", "suresh"},
        {"कमल", "kamal"},        {"विमला", "vimla"},        {"कृष्ण", "krishna"},    {"लक्ष्मी", "lakshmi"},
        {"सरस्वती", "saraswati"}, {"राजेश", "rajesh"},        {"मनोज", "manoj"},     {"पूजा", "pooja"},
        {"नेहा", "neha"},         {"अंजलि", "anjali"},        {"दीपक", "deepak"},    {"गणेश", "ganesh"},
        {"महेश", "mahesh"},       {"ज्ञानेश्वर", "gyaneshwar"}, {"अभिषेक", "abhishek"}, {"शिवानी", "shivani"},
        {"चंद्र", "chandra"},      {"मोहन", "mohan"},         {"सोनिया", "sonia"},   {"अर्जुन", "arjun"},
        {"भारत", "bharat"},      {"कविता", "kavita"},       {"जितेंद्र", "jitendra"}, {"धर्मेंद्र", "dharmendra"},
        {"आदित्य", "aditya"},     {"रवि", "ravi"},           {"मीना", "meena"},     {"गीता", "geeta"},
        {"वर्षा", "varsha"},      {"अनिल", "anil"},          {"फरहान", "farhan"},   {"इरफ़ान", "irfan"}}},
      {"Bengali", 72, 92, {{"সৌরভ", "sourav"},   {"অমিত", "amit"},        {"সুমন", "suman"},
                           {"মিতা", "mita"},     {"রাহুল", "rahul"},       {"প্রসেনজিৎ", "prosenjit"},
                           {"শুভ", "shubha"},     {"তানিয়া", "tania"},     {"অনিল", "anil"},
                           {"দীপক", "dipak"},    {"গৌতম", "gautam"},      {"সুব্রত", "subrata"},
                           {"মৌসুমী", "mousumi"}, {"রিতা", "rita"},        {"কাকলি", "kakali"},
                           {"সঞ্জয়", "sanjay"},   {"বিকাশ", "bikash"},     {"অরুণ", "arun"},
                           {"তাপস", "tapas"},    {"শর্মিলা", "sharmila"},  {"জয়া", "jaya"},
                           {"পার্থ", "partha"},   {"দেবাশিস", "debashis"}, {"রূপা", "rupa"},
                           {"মিঠুন", "mithun"}}},
      {"Gurmukhi", 96, 96, {{"ਗੁਰਪ੍ਰੀਤ", "gurpreet"},  {"ਹਰਪ੍ਰੀਤ", "harpreet"},   {"ਮਨਪ੍ਰੀਤ", "manpreet"},
                            {"ਜਸਪ੍ਰੀਤ", "jaspreet"},  {"ਸਿਮਰਨ", "simran"},      {"ਅਮਰਜੀਤ", "amarjeet"},
                            {"ਬਲਵਿੰਦਰ", "balwinder"}, {"ਸੁਖਵਿੰਦਰ", "sukhwinder"}, {"ਕੁਲਦੀਪ", "kuldeep"},
                            {"ਹਰਮਨ", "harman"},      {"ਜਗਦੀਪ", "jagdeep"},     {"ਰਣਜੀਤ", "ranjeet"},
                            {"ਦਲਜੀਤ", "daljeet"},    {"ਪਰਮਜੀਤ", "paramjeet"},  {"ਗੁਰਮੀਤ", "gurmeet"},
                            {"ਨਵਜੋਤ", "navjot"},      {"ਕਿਰਨ", "kiran"},        {"ਅਮਨਦੀਪ", "amandeep"},
                            {"ਸਤਨਾਮ", "satnam"},     {"ਬਲਬੀਰ", "balbir"},      {"ਜਸਵੀਰ", "jasveer"},
                            {"ਰਾਜਵੀਰ", "rajveer"},   {"ਹਰਜੋਤ", "harjot"},       {"ਮਨਜੀਤ", "manjeet"},
                            {"ਇੰਦਰਜੀਤ", "inderjeet"}}},
      {"Gujarati", 100, 100, {{"મહેશ", "mahesh"},    {"જિગ્નેશ", "jignesh"},  {"હાર્દિક", "hardik"}, {"ભાવેશ", "bhavesh"},
                              {"પ્રકાશ", "prakash"}, {"નરેન્દ્ર", "narendra"}, {"કિરણ", "kiran"},    {"દીપિકા", "deepika"},
                              {"અલ્પેશ", "alpesh"},   {"ચિરાગ", "chirag"},   {"ધવલ", "dhaval"},    {"મિતેશ", "mitesh"},
                              {"પાયલ", "payal"},    {"જયેશ", "jayesh"},     {"રમેશ", "ramesh"},    {"હેતલ", "hetal"},
                              {"કોમલ", "komal"},    {"નિલેશ", "nilesh"},    {"વિપુલ", "vipul"},    {"સોનલ", "sonal"},
                              {"ઉમેશ", "umesh"},     {"અંકિત", "ankit"},     {"ભરત", "bharat"},    {"ગીતા", "geeta"},
                              {"રશ્મિ", "rashmi"}}},
      {"Odia", 87, 100, {{"ପ୍ରକାଶ", "prakash"}, {"ରମେଶ", "ramesh"}, {"ସଞ୍ଜୟ", "sanjay"},      {"ଲିପିକା", "lipika"},
                         {"ସୁଭାଷ", "subhash"},  {"ଗୀତା", "geeta"},  {"ମମତା", "mamata"},      {"ଅମିତ", "amit"},
                         {"ରାଜେଶ", "rajesh"},  {"ଦୀପକ", "deepak"}, {"ନବୀନ", "naveen"},      {"ଅନିତା", "anita"},
                         {"ସୁନୀଲ", "suneel"},   {"କବିତା", "kavita"}, {"ମନୋଜ", "manoj"},       {"ସରୋଜ", "saroj"},
                         {"ବିକାଶ", "bikash"},   {"ପ୍ରିୟା", "priya"},  {"ରବି", "rabi"},          {"ସୁମିତ୍ରା", "sumitra"},
                         {"କୃଷ୍ଣ", "krushna"},   {"ଅଶୋକ", "ashok"},  {"ଜଗନ୍ନାଥ", "jagannath"}, {"ପ୍ରମୋଦ", "pramod"}}},
      {"Tamil",
       76,
       88,
       {{"கார்த்திக்", "karthik"},
        {"முருகன்", "murugan"},
        {"செந்தில்", "senthil"},
        {"குமார்", "kumar"},
        {"பிரியா", "priya"},
        {"லட்சுமி", "lakshmi"},
        {"சரவணன்", "saravanan"},
        {"ராஜா", "raja"},
        {"விஜய்", "vijay"},
        {"அருண்", "arun"},
        {"கவிதா", "kavitha"},
        {"சுரேஷ்", "suresh"},
        {"ரமேஷ்", "ramesh"},
        {"தமிழ்செல்வி", "tamilselvi"},
        {"வேல்முருகன்", "velmurugan"},
        {"மணிகண்டன்", "manikandan"},
        {"ஆனந்த்", "anand"},
        {"பாலாஜி", "balaji"},
        {"சங்கர்", "sankar"},
        {"தினேஷ்", "dinesh"},
        {"மீனாட்சி", "meenakshi"},
        {"கண்ணன்", "kannan"},
        {"சிவா", "siva"},
        {"பழனி", "palani"},
        {"இளங்கோ", "ilango"}}},
      {"Telugu", 88, 96, {{"వెంకటేష్", "venkatesh"}, {"శ్రీనివాస్", "srinivas"}, {"రమేష్", "ramesh"},       {"సురేష్", "suresh"},
                          {"లక్ష్మి", "lakshmi"},    {"ప్రసాద్", "prasad"},    {"నాగార్జున", "nagarjuna"}, {"పవన్", "pavan"},
                          {"మహేష్", "mahesh"},      {"అనిల్", "anil"},       {"రవి", "ravi"},          {"కిరణ్", "kiran"},
                          {"స్వాతి", "swathi"},      {"సునీత", "sunitha"},   {"హరిత", "haritha"},      {"సాయి", "sai"},
                          {"చైతన్య", "chaitanya"},  {"రాజు", "raju"},       {"గోపాల్", "gopal"},        {"సీత", "seetha"},
                          {"కృష్ణ", "krishna"},    {"అర్జున్", "arjun"},    {"దివ్య", "divya"},        {"మాధవి", "madhavi"},
                          {"శిరీష", "sirisha"}}},
      {"Kannada", 100, 100, {{"ಮಂಜುನಾಥ್", "manjunath"}, {"ರಾಘವೇಂದ್ರ", "raghavendra"},
                             {"ಬಸವರಾಜ್", "basavaraj"},  {"ಪುನೀತ್", "puneeth"},
                             {"ದರ್ಶನ್", "darshan"},      {"ಸುದೀಪ್", "sudeep"},
                             {"ಯಶ್", "yash"},           {"ರಮ್ಯಾ", "ramya"},
                             {"ಕಾವ್ಯ", "kavya"},        {"ಚೇತನ್", "chethan"},
                             {"ಮಹೇಶ್", "mahesh"},       {"ಸಂತೋಷ್", "santhosh"},
                             {"ಪ್ರಕಾಶ್", "prakash"},     {"ಶಿವಕುಮಾರ್", "shivakumar"},
                             {"ಲಕ್ಷ್ಮಿ", "lakshmi"},      {"ಗಿರೀಶ್", "girish"},
                             {"ನಾಗರಾಜ್", "nagaraj"},    {"ಸುಮಾ", "suma"},
                             {"ಅನಿತಾ", "anitha"},       {"ಹರೀಶ್", "harish"},
                             {"ರವಿ", "ravi"},           {"ಕಿರಣ್", "kiran"},
                             {"ವಿನಯ್", "vinay"},         {"ಅಶ್ವಿನಿ", "ashwini"},
                             {"ದೀಪಾ", "deepa"}}},
      {"Malayalam", 96, 96, {{"ശ്രീജിത്ത്", "sreejith"}, {"മോഹൻലാൽ", "mohanlal"}, {"രാജേഷ്", "rajesh"},
                             {"സുരേഷ്", "suresh"},      {"അനിൽ", "anil"},        {"ലക്ഷ്മി", "lakshmi"},
                             {"മഞ്ജു", "manju"},        {"പ്രിയ", "priya"},       {"വിനോദ്", "vinod"},
                             {"ഗോപാലൻ", "gopalan"},   {"കൃഷ്ണൻ", "krishnan"},    {"രവി", "ravi"},
                             {"സീമ", "seema"},        {"ശ്യാം", "shyam"},       {"അരുൺ", "arun"},
                             {"വിജയൻ", "vijayan"},    {"സന്തോഷ്", "santhosh"},   {"ബിജു", "biju"},
                             {"ഷാജി", "shaji"},       {"മമ്മൂട്ടി", "mammootty"}, {"കാവ്യ", "kavya"},
                             {"ദിലീപ്", "dileep"},     {"നിവിൻ", "nivin"},      {"ആതിര", "athira"},
                             {"സജി", "saji"}}},
      {"Urdu", 96, 100, {{"محمد", "mohammad"}, {"احمد", "ahmed"},  {"علی", "ali"},        {"فاطمہ", "fatima"},
                         {"عائشہ", "ayesha"},  {"عمران", "imran"}, {"سلمان", "salman"},   {"شاہ رخ", "shahrukh"},
                         {"جاوید", "javed"},   {"نادیہ", "nadia"}, {"رحیم", "raheem"},    {"کریم", "kareem"},
                         {"سلیم", "saleem"},   {"نسیم", "naseem"}, {"یاسمین", "yasmeen"}, {"سارہ", "sara"},
                         {"زارا", "zara"},     {"آصف", "asif"},    {"طارق", "tariq"},     {"خالد", "khalid"},
                         {"راشد", "rashid"},   {"ناصر", "nasir"},  {"یاسر", "yasir"},     {"بشیر", "basheer"},
                         {"نذیر", "nazeer"},   {"امین", "ameen"},  {"شبیر", "shabeer"},   {"زاہد", "zahid"},
                         {"ساجد", "sajid"},    {"ماجد", "majid"}}}};
  return all;
}

TEST(NativeNames, AreSpelledAsTheirBearersSpellThem) {
  size_t names = 0, exact_of_all = 0, near_of_all = 0;
  for (const Script& script : scripts()) {
    size_t exact = 0, near = 0;
    std::string misses;
    for (const Name& name : script.names) {
      std::string latin = to_latin(insights::unicode::from_utf8(name.native));
      std::erase(latin, ' ');
      const auto wide = [](std::string_view text) { return std::u32string(text.begin(), text.end()); };
      const double alike = ratio(wide(latin), wide(name.usual));
      exact += latin == name.usual;
      near += alike > 80;
      if (latin != name.usual)
        misses += fmt::format(" {} {}{}", latin, name.usual, alike > 80 ? "" : fmt::format(" (only {:.0f})", alike));
      if (latin != name.usual) misses += ',';
    }
    const double count = static_cast<double>(script.names.size());
    const double exact_share = 100.0 * static_cast<double>(exact) / count;
    const double near_share = 100.0 * static_cast<double>(near) / count;
    std::cout << fmt::format("{:<11} {} names, {:.0f} % exact, {:.0f} % near; not exact:{}\n", script.name,
                             script.names.size(), exact_share, near_share, misses);
    EXPECT_GE(exact_share, script.least_exact) << script.name;
    EXPECT_GE(near_share, script.least_near) << script.name;
    names += script.names.size();
    exact_of_all += exact;
    near_of_all += near;
  }
  std::cout << fmt::format("all {}: {:.1f} % exact, {:.1f} % near\n", names,
                           100.0 * static_cast<double>(exact_of_all) / static_cast<double>(names),
                           100.0 * static_cast<double>(near_of_all) / static_cast<double>(names));
  EXPECT_GE(names, 200u);
  EXPECT_EQ(scripts().size(), 10u);
}

}  // namespace
}  // namespace dalgona::fake_follower
