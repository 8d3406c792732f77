#include "turnkeeper/kube/store.hpp"

#include <gtest/gtest.h>

namespace turnkeeper::kube {
namespace {

using nlohmann::json;

json object(const std::string& name, const std::string& version) {
  return {{"metadata",
           {{"name", name},
            {"namespace", "ns"},
            {"uid", "uid-" + name},
            {"resourceVersion", version},
            {"labels", {{"turnkeeper.io/cluster", "turn"}}},
            {"managedFields", json::array({1, 2})}}}};
}

TEST(Store, TellsWhatAFullListChanged) {
  Store store;
  EXPECT_FALSE(store.synced());
  EXPECT_EQ(store.replace({object("a", "1"), object("b", "1")}).size(), 2U);
  EXPECT_TRUE(store.synced());
  const auto changes = store.replace({object("b", "1"), object("c", "1")});
  ASSERT_EQ(changes.size(), 2U) << "b is the same and must not wake anybody";
  EXPECT_EQ(changes[0].key.name, "a");
  EXPECT_FALSE(changes[0].is_there);
  EXPECT_EQ(changes[1].key.name, "c");
  EXPECT_FALSE(changes[1].was_there);
}

TEST(Store, DoesNotKeepManagedFields) {
  Store store;
  static_cast<void>(store.put(pack(object("a", "1"), store.label())));
  EXPECT_FALSE((*store.get({"ns", "a"}))["metadata"].contains("managedFields"));
}

TEST(Store, AReadersObjectStaysAsItWas) {
  Store store;
  static_cast<void>(store.put(pack(object("a", "1"), store.label())));
  const ObjectPtr held = store.get({"ns", "a"});
  static_cast<void>(store.put(pack(object("a", "2"), store.label())));
  static_cast<void>(store.erase({"ns", "a"}));
  EXPECT_EQ(resource_version_of(*held), "1");
  EXPECT_EQ(store.get({"ns", "a"}), nullptr);
}

TEST(Store, SelectsByLabelAndNamespace) {
  Store store("turnkeeper.io/cluster");
  static_cast<void>(store.replace({object("a", "1")}));
  EXPECT_EQ(store.labelled("ns", "turn").size(), 1U);
  EXPECT_TRUE(store.labelled("ns", "other").empty());
  EXPECT_TRUE(store.labelled("elsewhere", "turn").empty());
  auto moved = object("a", "2");
  moved["metadata"]["labels"]["turnkeeper.io/cluster"] = "other";
  const auto changes = store.put(pack(moved, store.label()));
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].label_before, "turn") << "who lost it must hear of it too";
  EXPECT_EQ(changes[0].label_after, "other");
  EXPECT_TRUE(store.labelled("ns", "turn").empty());
  EXPECT_EQ(store.labelled("ns", "other").size(), 1U);
  static_cast<void>(store.erase({"ns", "a"}));
  EXPECT_TRUE(store.labelled("ns", "other").empty());
}

}  // namespace
}  // namespace turnkeeper::kube
