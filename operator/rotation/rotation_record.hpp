// What a rotation must remember beside the keys themselves. It lies in an annotation of their Secret, so that both are
// written together or not at all. Pure.
#pragma once

#include <chrono>
#include <map>
#include <string>

namespace turnkeeper::op {

inline constexpr const char* rotation_annotation = "turnkeeper.io/rotation";

struct RotationRecord {
  int newest_key = 0;     // the highest number that a key's id ever had: no id is used twice
  std::string rotate;     // the text of turnkeeper.io/rotate that was followed last
  std::string revoke;     // likewise of turnkeeper.io/revoke
  std::string request;    // the one of both that was followed last
  bool revoking = false;  // the staged key replaces keys that leaked: they go when it is issued
  // By key id, for those that have issued: the longest life of a credential made with it.
  std::map<std::string, std::chrono::seconds> longest_ttl;
  bool operator==(const RotationRecord&) const = default;
};

// One line of JSON, without anything secret.
[[nodiscard]] std::string render_rotation_record(const RotationRecord& record);
// What cannot be read counts as never written: a request may then be followed a second time, which cuts nobody.
[[nodiscard]] RotationRecord parse_rotation_record(const std::string& text);

}  // namespace turnkeeper::op
