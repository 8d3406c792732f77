#include "turnkeeper/kube/likeness.hpp"

#include <gtest/gtest.h>

#include <random>

namespace turnkeeper::kube {
namespace {

std::string object(const std::string& name, int items = 100) {
  std::string text = R"({"metadata":{"name":")" + name + R"("},"items":[)";
  for (int i = 0; i < items; ++i) text += R"({"of":")" + name + R"(","number":)" + std::to_string(i) + "},";
  return text + "{}]}";
}

TEST(Likeness, SiblingsTakeLittleRoom) {
  Likeness alike;
  static_cast<void>(alike.shrink(object("calls-1")));
  for (const char* name : {"calls-2", "calls-1000", "c"}) {
    const auto kept = alike.shrink(object(name));
    EXPECT_LT(kept.compressed.size(), object(name).size() / 2) << name;
    EXPECT_EQ(Likeness::restore(kept), object(name));
  }
}

TEST(Likeness, EveryTextComesBackWhole) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    Likeness alike;
    for (int i = 0; i < 20; ++i) {
      // Few letters, so that pieces of one are found in another in many ways.
      std::string text(random() % 200, '\0');
      for (auto& letter : text) letter = static_cast<char>("\0a\xFF"[random() % 3]);
      const auto kept = alike.shrink(text);
      ASSERT_EQ(Likeness::restore(kept), text) << round << ", " << i;
    }
  }
  Likeness alike;
  for (const std::size_t size : {std::size_t{0}, std::size_t{7}, std::size_t{8}, std::size_t{70'000}, std::size_t{1}}) {
    const auto kept = alike.shrink(std::string(size, 'x'));
    EXPECT_EQ(Likeness::restore(kept), std::string(size, 'x')) << size;
  }
}

TEST(Likeness, WhatWasKeptStaysWholeWhenTheSampleIsAnother) {
  Likeness alike;
  const auto first = alike.shrink("an odd one, unlike all that follow");
  std::vector<Likeness::Kept> kept;
  for (int i = 0; i < 20; ++i) kept.push_back(alike.shrink(object("calls-" + std::to_string(i))));
  EXPECT_LT(kept.back().compressed.size(), object("calls-19").size() / 2) << "an odd sample was kept for ever";
  EXPECT_EQ(Likeness::restore(first), "an odd one, unlike all that follow");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Likeness::restore(kept[i]), object("calls-" + std::to_string(i)));
}

}  // namespace
}  // namespace turnkeeper::kube
