#include "operator/plan/secret_entry.hpp"

#include "turnkeeper/base/encoding.hpp"

namespace turnkeeper::op {

Result<Secret> secret_entry(const Secrets& secrets, const UnreadSecrets& unread, const api::SecretKeyRef& reference) {
  const auto secret = secrets.find(reference.name);
  if (secret == secrets.end()) {
    const auto why = unread.find(reference.name);
    return fail(why == unread.end() ? "there is no such Secret" : "it cannot be read: " + why->second);
  }
  const auto entry = nlohmann::json::json_pointer("/data") / reference.key;
  if (!secret->second.contains(entry) || !secret->second.at(entry).is_string()) {
    return fail("the Secret has no such entry");
  }
  auto value = base64_decode(secret->second.at(entry).get<std::string>());
  if (!value) return fail("it is no base64");
  while (value->ends_with('\n') || value->ends_with('\r')) value->pop_back();
  if (value->empty()) return fail("it is empty");
  return Secret(std::move(*value));
}

std::string place_of(const api::SecretKeyRef& reference) {
  return "Secret " + reference.name + ", entry " + reference.key;
}

}  // namespace turnkeeper::op
