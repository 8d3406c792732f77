#include "turnkeeper/kube/packing.hpp"

#include <gtest/gtest.h>

namespace turnkeeper::kube {
namespace {

using nlohmann::json;

const char* const label = "turnkeeper.io/cluster";

json object() {
  return {
      {"apiVersion", "v1"},
      {"kind", "ConfigMap"},
      {"metadata",
       {{"name", "calls-eu"},
        {"namespace", "ns"},
        {"uid", "u-1"},
        {"resourceVersion", "7"},
        {"generation", 3},
        {"creationTimestamp", nullptr},
        {"labels", {{label, "calls"}, {"name", "a label, not the name"}}},
        {"ownerReferences", json::array({{{"name", "calls"}, {"uid", "u-owner"}, {"controller", true}}})},
        {"managedFields",
         json::array({{{"manager", "m ] \" }"}, {"fieldsV1", {{"f:data", {{"[", json::array()}}}}}}})}}},
      {"data",
       {{"quoted", R"("managedFields":[1,2] stays)"},
        {"numbers", json::array({0, 23, 24, 255, 256, 65536, 4294967296, -1, -24, -300, 1.5, true, false, nullptr})},
        {"nested", {{"metadata", {{"name", "inner"}, {"uid", "inner"}, {"managedFields", "kept"}}}}},
        {"empty", {{"list", json::array()}, {"text", ""}, {"long", std::string(70000, 'x')}}}}}};
}

json slim(json whole) {
  whole["metadata"].erase("managedFields");
  return whole;
}

void expect_facts(const Packed& packed) {
  EXPECT_EQ(packed.key, (ObjectKey{"ns", "calls-eu"}));
  EXPECT_EQ(packed.uid, "u-1");
  EXPECT_EQ(packed.version, "7");
  EXPECT_EQ(packed.label, "calls");
}

TEST(Packing, AnEventIsKeptWholeButForManagedFields) {
  for (const int indent : {-1, 2}) {
    const json event = {{"type", "MODIFIED"}, {"object", object()}};
    const auto packed = pack_event(event.dump(indent), label);
    ASSERT_TRUE(packed) << indent;
    EXPECT_EQ(packed->type, "MODIFIED");
    expect_facts(packed->object);
    EXPECT_EQ(unpack(packed->object.text), slim(object()));
  }
}

TEST(Packing, AValueAndATextComeToTheSame) {
  const auto packed = pack(object(), label);
  expect_facts(packed);
  EXPECT_EQ(unpack(packed.text), slim(object()));
}

TEST(Packing, TheTypeMayComeAfterTheObject) {
  const auto packed =
      pack_event(R"({"object":{"metadata":{"name":"a"}},"other":{"name":["x"]},"type":"ADDED"})", label);
  ASSERT_TRUE(packed);
  EXPECT_EQ(packed->type, "ADDED");
  EXPECT_EQ(packed->object.key.name, "a");
  EXPECT_EQ(unpack(packed->object.text), json::parse(R"({"metadata":{"name":"a"}})"));
}

TEST(Packing, ManagedFieldsAreLeftOutWhereverTheyAre) {
  for (const char* metadata : {R"({"managedFields":[{"a":"]}"}],"name":"a"})", R"({"name":"a","managedFields":[]})",
                               R"({"name":"a" , "managedFields" : [ 1 ] , "uid":"u"})", R"({"managedFields":[]})"}) {
    const auto packed =
        pack_event(R"({"type":"ADDED","object":{"metadata":)" + std::string(metadata) + R"(,"spec":7}})", label);
    ASSERT_TRUE(packed) << metadata;
    json expected = {{"metadata", json::parse(metadata)}, {"spec", 7}};
    EXPECT_EQ(unpack(packed->object.text), slim(expected)) << metadata;
  }
}

TEST(Packing, NamesAreReadAsTheyAreMeant) {
  const auto packed =
      pack_event(R"({"type":"ADDED","object":{"metadata":{"na\u006de":"a\"b","uid":7,"labels":null}}})", label);
  ASSERT_TRUE(packed);
  EXPECT_EQ(packed->object.key.name, "a\"b");
  EXPECT_EQ(packed->object.uid, "");
}

TEST(Packing, WhatIsNoEventIsRefused) {
  for (const char* text :
       {"", "null", "[]", R"({"type":"ADDED"})", R"({"object":{"a":1}})", R"({"type":"ADDED","object":[1]})",
        R"({"type":"ADDED","object":7})", R"({"type":"ADDED","object":{"a":1)"}) {
    EXPECT_FALSE(pack_event(text, label)) << text;
  }
}

TEST(Packing, OfAnAnswerOnlyWhatTheServerSetIsRead) {
  const auto of_custom_resource = read_receipt(object().dump());
  ASSERT_TRUE(of_custom_resource) << "in alphabetical order, managedFields before the uid";
  EXPECT_EQ(of_custom_resource->uid, "u-1");
  EXPECT_EQ(of_custom_resource->version, "7");
  EXPECT_EQ(of_custom_resource->generation, 3);
  // As the API server writes its own kinds: what follows is not even looked at.
  const auto of_pod =
      read_receipt(R"({"kind":"Pod","metadata":{"name":"a","uid":"u","resourceVersion":"7","managedFields":[oops)");
  ASSERT_TRUE(of_pod);
  EXPECT_EQ(of_pod->generation, 0);
  json sent = {{"kind", "Pod"}, {"metadata", {{"name", "a"}, {"labels", {{"b", "c"}}}}}};
  of_pod->enter(sent);
  EXPECT_EQ(sent, json::parse(
                      R"({"kind":"Pod","metadata":{"name":"a","labels":{"b":"c"},"uid":"u","resourceVersion":"7"}})"));
  EXPECT_FALSE(read_receipt(R"({"kind":"Status"})"));
  EXPECT_FALSE(read_receipt(R"({"spec":{"metadata":{"uid":"u","resourceVersion":"7"}}})"));
  EXPECT_FALSE(read_receipt("no JSON"));
}

}  // namespace
}  // namespace turnkeeper::kube
