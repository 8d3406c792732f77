#include "operator/rotation/rotation_record.hpp"

#include <nlohmann/json.hpp>

namespace turnkeeper::op {
namespace {

using nlohmann::json;

std::string text_of(const json& object, const char* name) {
  return object.contains(name) && object[name].is_string() ? object[name].get<std::string>() : std::string();
}

}  // namespace

std::string render_rotation_record(const RotationRecord& record) {
  json object = {{"newestKey", record.newest_key}, {"longestTtlSeconds", json::object()}};
  for (const auto& [id, ttl] : record.longest_ttl) object["longestTtlSeconds"][id] = ttl.count();
  if (!record.rotate.empty()) object["rotate"] = record.rotate;
  if (!record.revoke.empty()) object["revoke"] = record.revoke;
  if (!record.request.empty()) object["request"] = record.request;
  if (record.revoking) object["revoking"] = true;
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

RotationRecord parse_rotation_record(const std::string& text) {
  RotationRecord record;
  const json object = json::parse(text, nullptr, false);
  if (!object.is_object()) return record;
  if (object.contains("newestKey") && object["newestKey"].is_number_integer()) record.newest_key = object["newestKey"];
  record.rotate = text_of(object, "rotate");
  record.revoke = text_of(object, "revoke");
  record.request = text_of(object, "request");
  record.revoking = object.contains("revoking") && object["revoking"] == true;
  const auto ttls = object.contains("longestTtlSeconds") ? object["longestTtlSeconds"] : json::object();
  if (!ttls.is_object()) return record;
  for (const auto& [id, ttl] : ttls.items()) {
    if (ttl.is_number_integer()) record.longest_ttl[id] = std::chrono::seconds(ttl.get<std::int64_t>());
  }
  return record;
}

}  // namespace turnkeeper::op
