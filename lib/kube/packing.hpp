// Objects of the API as they are kept: their JSON text without managedFields, which are as large as the rest and read
// by nobody here. Of what the API server sends, only the members that are asked for are looked at and the rest is
// passed over: a JSON value of it would be made of a hundred small allocations, only to be taken apart again. Pure.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "turnkeeper/kube/resource.hpp"

namespace turnkeeper::kube {

struct Packed {
  ObjectKey key;
  std::string uid;
  std::string version;
  std::string label;  // the value of the label that was asked for; empty: it has none
  std::string text;
};

[[nodiscard]] Packed pack(nlohmann::json object, const std::string& label);
// Discarded (is_discarded()) when the text is no JSON after all.
[[nodiscard]] nlohmann::json unpack(const std::string& text);

struct PackedEvent {
  std::string type;  // "ADDED", ...
  Packed object;
};
// One line of a watch: {"type": "ADDED", "object": {...}}. Nothing when it is no such thing.
[[nodiscard]] std::optional<PackedEvent> pack_event(const std::string& line, const std::string& label);

// What the API server says of an object that it wrote. Read no further than that. Nothing when the text has no such
// metadata.
struct Receipt {
  std::string uid;
  std::string version;
  std::int64_t generation = 0;  // 0: the kind has none

  // Into the object that was sent.
  void enter(nlohmann::json& object) const;
};
[[nodiscard]] std::optional<Receipt> read_receipt(const std::string& text);

}  // namespace turnkeeper::kube
