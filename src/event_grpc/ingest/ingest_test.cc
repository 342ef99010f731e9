#include <boost/json.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/ids.h"
#include "base/resources.h"
#include "event_grpc/ingest/access.h"
#include "event_grpc/ingest/dispatch.h"
#include "event_grpc/ingest/intake.h"
#include "event_grpc/ingest/message_json.h"
#include "event_grpc/ingest/webhook.h"
#include "event_grpc/parser.h"

namespace dalgona::event_grpc {
namespace {

using testing::HasSubstr;

const events::Catalogue& catalogue() {
  static const auto c = events::Catalogue::load(resource("config/streams"));
  return c;
}
const DispatchPlan& plan() {
  static const DispatchPlan p(catalogue().streams());
  return p;
}
const Time kNow = parse_time("2023-11-14T22:13:20Z");

event::Events one_event() {
  event::Events events;
  events.mutable_header()->set_deviceid("d1");
  events.mutable_header()->set_sessionid("s \"1\"\n");
  auto* e = events.add_events();
  e->set_id("e1");
  e->set_timestamp(1'600'000'000'000);
  e->mutable_launchevent()->set_launchtype("cold");
  return events;
}

std::string refusal(const std::function<void()>& f) {
  try {
    f();
  } catch (const InvalidInput& e) {
    return e.what();
  }
  return "taken";
}

// Rows of a stream that a message gives, with the fields that are wrong.
std::pair<size_t, std::string> rows_of(const amqp::Message& m, const char* stream) {
  Parser parser(catalogue().stream(stream));
  auto block = parser.new_block();
  std::vector<Rejected> rejected;
  std::string body = m.body + std::string(Parser::kPadding, '\0');
  parser.parse({std::string_view(body).substr(0, m.body.size()), m.properties.content_type, m.properties.message_id,
                m.routing_key},
               block, rejected);
  return {block.rows(), rejected.empty() ? "" : rejected[0].reason};
}

TEST(Dispatch, EveryPayloadGivesAnEventThatItsStreamTakes) {
  const auto* descriptor = event::Event::descriptor();
  int payloads = 0;
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const auto* f = descriptor->field(i);
    if (!f->containing_oneof()) continue;
    ++payloads;
    auto events = one_event();
    auto* e = events.mutable_events(0);
    e->GetReflection()->MutableMessage(e, f);
    const auto messages = messages_of(events, plan(), kNow);
    const bool copied = f->name() == "clickEvent" || f->name() == "appInitEvent" || f->name() == "launchReferEvent";
    ASSERT_EQ(messages.size(), copied ? 2u : 1u) << f->name();
    for (const auto& m : messages) {
      const char* stream = m.exchange == "grpc_event.tx"   ? "event"
                           : m.exchange == "grpc_event.dx" ? "click_event"
                           : m.routing_key == "APP_INIT"   ? "app_init_event"
                                                           : "launch_refer_event";
      EXPECT_EQ(rows_of(m, stream), std::pair(size_t(1), std::string())) << f->name();
    }
  }
  EXPECT_GE(payloads, 60);
}

TEST(Dispatch, TypesAreTheRoutingKeysThatTheQueuesHave) {
  EXPECT_EQ(type_of_payload("launchEvent"), "LAUNCH");
  EXPECT_EQ(type_of_payload("widgetCtaClickedEvent"), "WIDGET_CTA_CLICKED");
  auto events = one_event();
  events.mutable_events(0)->mutable_launchreferevent()->set_referralcode("ABC");
  std::set<std::string> goals;
  for (const auto& m : messages_of(events, plan(), kNow)) goals.insert(m.exchange + " " + m.routing_key);
  EXPECT_EQ(goals, (std::set<std::string>{"grpc_event.tx LAUNCH_REFER", "event.dx LAUNCH_REFER_EVENT"}));
}

TEST(Dispatch, IncompleteEventsAreRefusedWhole) {
  event::Events none;
  none.add_events()->mutable_launchevent();
  EXPECT_THAT(refusal([&] { messages_of(none, plan(), kNow); }), HasSubstr("Incomplete event: header is missing"));
  auto events = one_event();
  events.mutable_header()->set_deviceid("  ");
  EXPECT_THAT(refusal([&] { messages_of(events, plan(), kNow); }), HasSubstr("Incomplete event: deviceId is missing"));
  events = one_event();
  events.add_events();
  EXPECT_THAT(refusal([&] { messages_of(events, plan(), kNow); }), HasSubstr("events[1] has no payload"));
  events = one_event();
  events.mutable_events(0)->set_timestamp(-1);
  EXPECT_THAT(refusal([&] { messages_of(events, plan(), kNow); }), HasSubstr("events[0].timestamp"));
}

TEST(Dispatch, TimesAreMicrosecondsAndNeverInTheFuture) {
  const auto time_of = [](int64_t timestamp) {
    auto events = one_event();
    events.mutable_events(0)->set_timestamp(timestamp);
    return boost::json::parse(messages_of(events, plan(), kNow)[0].body).at("timestamp").as_int64();
  };
  const int64_t now = kNow.time_since_epoch().count();
  EXPECT_EQ(time_of(1'600'000'000), 1'600'000'000'000'000);
  EXPECT_EQ(time_of(1'600'000'000'001), 1'600'000'000'001'000);
  EXPECT_EQ(time_of(1'600'000'000'000'001), 1'600'000'000'000'001);
  EXPECT_EQ(time_of(0), now);
  EXPECT_EQ(time_of(1'900'000'000'000), now);
  EXPECT_EQ(time_of(INT64_MAX), now);
}

TEST(Dispatch, IdsStayTheSameOverRetriesAndTellEventsApart) {
  const auto id_of = [](const event::Events& events) {
    return std::string(boost::json::parse(messages_of(events, plan(), kNow)[0].body).at("eventId").as_string());
  };
  auto events = one_event();
  EXPECT_EQ(id_of(events), id_of(events));
  auto other = events;
  other.mutable_header()->set_deviceid("d2");
  EXPECT_NE(id_of(events), id_of(other));
  other = events;
  other.mutable_events(0)->set_id("01890a5d-ac96-774b-bcce-b302099a8057");
  EXPECT_EQ(id_of(other), "01890a5d-ac96-774b-bcce-b302099a8057");
  other.mutable_events(0)->clear_id();
  EXPECT_NE(id_of(other), id_of(other));
}

TEST(Dispatch, EventsOfOneTypeShareAMessage) {
  auto events = one_event();
  for (int i = 0; i < 4; ++i) {
    auto* e = events.add_events();
    e->set_id(std::to_string(i));
    (i % 2 ? e->mutable_pageopenedevent()->mutable_pagename() : e->mutable_launchevent()->mutable_launchtype())
        ->assign("line\nbreak");
  }
  const auto messages = messages_of(events, plan(), kNow);
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(rows_of(messages[0], "event").first, 3u);
  EXPECT_EQ(rows_of(messages[1], "event").first, 2u);
}

TEST(Dispatch, TheCatalogueMayNotNameAPayloadThatIsNotThere) {
  auto s = catalogue().stream("click_event");
  s.ingest[0].payload = "clikEvent";
  EXPECT_THAT(refusal([&] { DispatchPlan{{s}}; }), HasSubstr("no payload 'clikEvent', did you mean 'clickEvent'?"));
}

TEST(EventsJson, TakesProtobufsMappingAndTellsWhatIsWrong) {
  const auto events = events_from_json(
      R"({"header":{"deviceId":"d"},"events":[{"id":"1","timestamp":"5","customEvent":{"name":"n","numbers":{"x":1.5}}}]})");
  EXPECT_EQ(events.events(0).customevent().numbers().at("x"), 1.5);
  EXPECT_THAT(refusal([] { events_from_json(R"({"headr":{}})"); }), HasSubstr("headr"));
  EXPECT_THAT(refusal([] { events_from_json(R"({"events":[{"timestamp":"x"}]})"); }), HasSubstr("not Events"));
  EXPECT_THAT(refusal([] { events_from_json("{"); }), HasSubstr("not Events"));
}

// Sets every field of the message, at least two elements of what repeats.
void fill(google::protobuf::Message& m, int depth = 0, int element = 0) {
  using google::protobuf::FieldDescriptor;
  const auto* r = m.GetReflection();
  for (int i = 0; i < m.GetDescriptor()->field_count(); ++i) {
    const auto* f = m.GetDescriptor()->field(i);
    if (f->containing_oneof() && depth > 0) continue;
    for (int n = 0; n < (f->is_repeated() ? 2 : 1); ++n) {
      const auto text = fmt::format("{} \"{}\" \n ü", f->name(), n + element);
      switch (f->cpp_type()) {
        case FieldDescriptor::CPPTYPE_STRING:
          f->is_repeated() ? r->AddString(&m, f, text) : r->SetString(&m, f, text);
          break;
        case FieldDescriptor::CPPTYPE_INT32:
          f->is_repeated() ? r->AddInt32(&m, f, -7 - n) : r->SetInt32(&m, f, std::numeric_limits<int32_t>::min());
          break;
        case FieldDescriptor::CPPTYPE_INT64:
          f->is_repeated() ? r->AddInt64(&m, f, n) : r->SetInt64(&m, f, std::numeric_limits<int64_t>::max());
          break;
        case FieldDescriptor::CPPTYPE_DOUBLE:
          f->is_repeated() ? r->AddDouble(&m, f, 0.1) : r->SetDouble(&m, f, 1e-300);
          break;
        case FieldDescriptor::CPPTYPE_BOOL:
          f->is_repeated() ? r->AddBool(&m, f, true) : r->SetBool(&m, f, true);
          break;
        case FieldDescriptor::CPPTYPE_MESSAGE:
          fill(*(f->is_repeated() ? r->AddMessage(&m, f) : r->MutableMessage(&m, f)), depth + 1, n);
          break;
        default:
          FAIL() << f->full_name() << " has a type that JSON is not read into";
      }
    }
  }
}

TEST(MessageJson, EveryFieldComesBack) {
  const auto* event_type = event::Event::descriptor();
  for (int i = 0; i < event_type->field_count(); ++i) {
    const auto* f = event_type->field(i);
    if (!f->containing_oneof()) continue;
    event::Events events;
    fill(*events.mutable_header());
    auto& e = *events.add_events();
    e.set_id("1");
    fill(*e.GetReflection()->MutableMessage(&e, f));
    std::string json;
    append_json(json, events);
    const auto back = events_from_json(json);
    std::string again;
    append_json(again, back);
    EXPECT_EQ(boost::json::parse(again), boost::json::parse(json)) << f->name();
    // And as protobuf itself reads it.
    event::Events theirs;
    ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(json, &theirs).ok()) << f->name();
    EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(theirs, back)) << f->name();
  }
}

TEST(MessageJson, TakesAndRefusesWhatTheMappingDoes) {
  const auto event = [](const std::string& members) {
    return R"({"header":{"deviceId":"d"},"events":[{)" + members + "}]}";
  };
  for (const char* good :
       {R"("timestamp":"5")", R"("timestamp":5.0)", R"("timestamp":5e3)", R"("id":null,"clickEvent":{})",
        R"("customEvent":{"numbers":{"a":"NaN","b":"-Infinity","c":"1.5","d":2}})",
        R"("customEvent":{"properties":{"":""}})", R"("timestamp":9223372036854775807)",
        R"("timestamp":"-9223372036854775808")"}) {
    event::Events theirs, ours;
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(event(good), &theirs).ok()) << good;
    ASSERT_NO_THROW(ours = events_from_json(event(good))) << good;
    std::string a, b;
    append_json(a, theirs);
    append_json(b, ours);
    EXPECT_EQ(boost::json::parse(a), boost::json::parse(b)) << good;
  }
  const auto why = [&](const std::string& members) { return refusal([&] { events_from_json(event(members)); }); };
  EXPECT_EQ(why(R"("timestamp":5.5)"), "not Events: events[0].timestamp: not a whole number");
  EXPECT_EQ(why(R"("timestamp":9223372036854775808)"), "not Events: events[0].timestamp: the number is out of range");
  EXPECT_EQ(why(R"("timestamp":1e17)"), "not Events: events[0].timestamp: the number is out of range");
  EXPECT_EQ(why(R"("timestamp":"5 ")"), "not Events: events[0].timestamp: not a whole number");
  EXPECT_EQ(why(R"("id":5)"), "not Events: events[0].id: wrong type: a text is needed");
  EXPECT_EQ(why(R"("id":"a","id":"b")"), "not Events: events[0].id: is there twice");
  EXPECT_EQ(why(R"("clickEvnt":{})"), "not Events: events[0].clickEvnt: no such field, did you mean 'clickEvent'?");
  EXPECT_THAT(why(R"("clickEvent":{},"launchEvent":{})"),
              HasSubstr("events[0].launchEvent: there is clickEvent already"));
  EXPECT_EQ(why(R"("clickEvent":[])"), "not Events: events[0].clickEvent: wrong type: an object is needed");
  EXPECT_EQ(why(R"("customEvent":{"numbers":{"a":1e999}})").substr(0, 18), "not Events: no JSO");
  EXPECT_THAT(why(R"("customEvent":{"properties":{"x":1}})"),
              HasSubstr("events[0].customEvent.properties.x: wrong type"));
  EXPECT_THAT(why("\"id\":\"\xff\""), HasSubstr("no JSON"));
  EXPECT_THAT(why(R"("id":"\ud800")"), HasSubstr("no JSON"));
  EXPECT_THAT(refusal([] { events_from_json("[]"); }), HasSubstr("no JSON object"));
  EXPECT_THAT(refusal([] { events_from_json(""); }), HasSubstr("no JSON"));
  EXPECT_THAT(refusal([] { events_from_json("{} {}"); }), HasSubstr("no JSON"));
  EXPECT_THAT(refusal([] { events_from_json(R"({"events":{}})"); }),
              HasSubstr("events: wrong type: an array is needed"));
  EXPECT_THAT(refusal([] { events_from_json(R"({"events":[null]})"); }), HasSubstr("events[0]: wrong type"));
  EXPECT_THAT(refusal([] { events_from_json(std::string(2000, '[')); }), HasSubstr("no JSON"));
}

TEST(Dispatch, LinesForOneKeyGoIntoOneMessage) {
  DispatchBatch batch(plan(), kNow);
  for (int i = 0; i < 50; ++i) batch.add(one_event());
  const auto messages = batch.take();
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].properties.content_type, "application/x-ndjson");
  EXPECT_EQ(rows_of(messages[0], "event"), std::pair(size_t(50), std::string()));
  EXPECT_EQ(batch.events(), 50u);
}

TEST(Dispatch, LongRequestsBecomeSeveralMessagesAndHaveAnEnd) {
  auto events = one_event();
  events.mutable_header()->set_userid(std::string(100'000, 'x'));
  const auto e = events.events(0);
  for (int i = 0; i < 99; ++i) *events.add_events() = e;
  const auto messages = messages_of(events, plan(), kNow);
  EXPECT_EQ(messages.size(), 10u);
  size_t rows = 0;
  for (const auto& m : messages) {
    EXPECT_LT(m.body.size(), DispatchBatch::kLongBody + 200'000);
    rows += rows_of(m, "event").first;
  }
  EXPECT_EQ(rows, 100u);
  // A request of 2 MB that would become 100 MB.
  for (int i = 0; i < 900; ++i) *events.add_events() = e;
  EXPECT_THAT(refusal([&] { messages_of(events, plan(), kNow); }), HasSubstr("send fewer events at once"));
}

TEST(Intake, PushesBackByBytesAndByMessages) {
  Intake intake({.bytes = 1000, .messages = 3});
  auto first = std::make_unique<Intake::Share>(intake);
  first->set(5000, 1);
  EXPECT_TRUE(intake.full());
  // Alone it has its place, however long it is; a second one has none.
  EXPECT_FALSE(first->crowded_out());
  auto second = std::make_unique<Intake::Share>(intake);
  second->set(1, 0);
  EXPECT_TRUE(second->crowded_out());
  int called = 0;
  intake.when_room([&] { ++called; });
  second.reset();
  EXPECT_EQ(called, 0);
  first->set(999, 1);
  EXPECT_EQ(called, 1);
  EXPECT_FALSE(intake.full());
  intake.when_room([&] { ++called; });
  EXPECT_EQ(called, 2);
  first->set(10, 3);
  EXPECT_TRUE(intake.full());
  intake.when_room([&] { ++called; });
  first.reset();
  EXPECT_EQ(called, 3);
  EXPECT_EQ(intake.bytes(), 0u);
  EXPECT_EQ(intake.messages(), 0u);
}

TEST(Webhook, AnArrayHasAnEnd) {
  std::vector<WebhookTarget> targets;
  for (const auto& s : catalogue().streams())
    for (const auto& i : s.ingest)
      if (i.path == "/graphy/event") targets.push_back({&s, &i});
  std::string body = "[{}";
  for (int i = 0; i < 10'000; ++i) body += ",{}";
  EXPECT_THAT(refusal([&] { webhook_messages(targets, body + "]", [](const auto&) { return std::nullopt; }); }),
              HasSubstr("more than 10000 events"));
}

TEST(MessageJson, IsJsonWhateverTheTexts) {
  event::Events events = one_event();
  auto* custom = events.mutable_events(0)->mutable_customevent();
  custom->set_name(std::string("\0\x01\"\\\n", 5) + "ü");
  (*custom->mutable_properties())["a\"b"] = "c\td";
  (*custom->mutable_numbers())["nan"] = std::nan("");
  (*custom->mutable_numbers())["big"] = 1e300;
  std::string json;
  append_json(json, events);
  const auto value = boost::json::parse(json);
  const auto& back = value.at("events").at(0).at("customEvent");
  EXPECT_EQ(back.at("name").as_string(), custom->name());
  EXPECT_EQ(back.at("properties").at("a\"b").as_string(), "c\td");
  EXPECT_EQ(back.at("numbers").at("nan").as_string(), "NaN");
  EXPECT_EQ(back.at("numbers").at("big").to_number<double>(), 1e300);
  EXPECT_EQ(value.at("header").at("sessionId").as_string(), "s \"1\"\n");
}

TEST(Signature, IsHmacSha256OfTheRawBody) {
  using Kind = events::Ingest::Signature;
  // RFC 4231, test case 2.
  const std::string body = "what do ya want for nothing?";
  EXPECT_TRUE(
      signature_matches(Kind::kHex, "Jefe", body, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"));
  EXPECT_TRUE(signature_matches(Kind::kBase64, "Jefe", body, "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="));
  EXPECT_FALSE(signature_matches(Kind::kBase64, "Jefe", body + " ", "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="));
  EXPECT_FALSE(signature_matches(Kind::kBase64, "jefe", body, "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="));
  EXPECT_FALSE(signature_matches(Kind::kBase64, "Jefe", body, ""));
  // HMAC of an empty key is defined, and exactly what somebody would try.
  EXPECT_FALSE(
      signature_matches(Kind::kHex, "", "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"));
}

TEST(ApiKeys, AreAskedForOnceThereAreAny) {
  EXPECT_TRUE(ApiKeys({}).allows(""));
  const ApiKeys keys({"one", "two"});
  EXPECT_TRUE(keys.allows("two"));
  EXPECT_TRUE(keys.allows_authorization("bearer one"));
  for (const char* wrong : {"", "on", "ones", "Bearer one"}) EXPECT_FALSE(keys.allows(wrong)) << wrong;
  for (const char* wrong : {"", "one", "Bearer", "Bearer ", "Basic one"})
    EXPECT_FALSE(keys.allows_authorization(wrong)) << wrong;
}

std::vector<WebhookTarget> targets(const std::string& path) {
  std::vector<WebhookTarget> all;
  for (const auto& s : catalogue().streams())
    for (const auto& i : s.ingest)
      if (i.path == path) all.push_back({&s, &i});
  return all;
}
const HeaderOf kNoHeaders = [](const std::string&) { return std::optional<std::string>(); };

TEST(Webhook, GoesWhereTheStreamsFileSays) {
  auto m = webhook_messages(targets("/branch/event"), R"({"name":"OPEN APP.x","timestamp":1700000000000})", kNoHeaders);
  ASSERT_EQ(m.size(), 1u);
  EXPECT_EQ(m[0].exchange, "branch_event.tx");
  EXPECT_EQ(m[0].routing_key, "OPEN_APP_x");
  EXPECT_EQ(rows_of(m[0], "branch_event").first, 1u);

  const auto event = webhook_messages(targets("/webengage/event"), R"({"userId":"u","eventName":"x"})", kNoHeaders);
  EXPECT_EQ(event[0].routing_key, "EVENT");
  const auto user = webhook_messages(targets("/webengage/event"), R"({"userId":"u","firstName":"x"})", kNoHeaders);
  EXPECT_EQ(user[0].routing_key, "USER_EVENT");

  const HeaderOf shop = [](const std::string& name) -> std::optional<std::string> {
    if (name == "X-Shopify-Topic") return "orders/paid";
    if (name == "X-Shopify-Shop-Domain") return "x\"y";
    if (name == "X-Shopify-Webhook-Id") return "w1";
    return {};
  };
  const std::string order = "{\n \"id\": 5,\n \"total_price\": \"1.0\"\n}";
  m = webhook_messages(targets("/shopify/event"), order, shop);
  EXPECT_EQ(rows_of(m[0], "shopify_event"), std::pair(size_t(1), std::string()));
  EXPECT_EQ(boost::json::parse(m[0].body).at("shop").as_string(), "x\"y");
  EXPECT_EQ(boost::json::parse(m[0].body).at("body").at("id").as_int64(), 5);
  EXPECT_EQ(m[0].properties.message_id,
            webhook_messages(targets("/shopify/event"), order, shop)[0].properties.message_id);
  EXPECT_NE(m[0].properties.message_id,
            webhook_messages(targets("/shopify/event"), order, kNoHeaders)[0].properties.message_id);

  EXPECT_EQ(webhook_messages(targets("/graphy/event"), R"([{"event":"a"},{"event":"b"}])", kNoHeaders).size(), 2u);
}

TEST(Webhook, WhatIsNoObjectIsRefused) {
  for (const char* body : {"", "x", "1", "[1]", "{\"a\":1} x", "{\"a\":tru}", "{\"a\":\"\xff\"}", "[{},[]]"})
    EXPECT_NE(refusal([&] { webhook_messages(targets("/branch/event"), body, kNoHeaders); }), "taken") << body;
  EXPECT_EQ(routing_word(""), "UNKNOWN");
  EXPECT_EQ(routing_word("a.b#*c-d_E9"), "a_b__c-d_E9");
}

}  // namespace
}  // namespace dalgona::event_grpc
