#include "agent/addresses.hpp"

#include <algorithm>
#include <sstream>

#include "agent/json_fields.hpp"
#include "turnkeeper/base/address_range.hpp"

namespace turnkeeper::agent {
namespace {

bool is_v6(const std::string& literal) {
  return literal.find(':') != std::string::npos;
}

}  // namespace

Result<std::vector<std::string>> own_addresses(const std::string& list, const std::vector<api::IpFamily>& families) {
  std::vector<std::string> given;
  std::istringstream parts(list);
  for (std::string part; std::getline(parts, part, ',');) {
    if (const auto literal = parse_address(part); !literal) return fail(literal.error());
    given.push_back(part);
  }
  if (given.empty()) return fail("no address is given", "give the pod's, or this machine's");
  if (families.empty()) return given;
  std::vector<std::string> chosen;
  for (const auto family : families) {
    const auto found = std::ranges::find(given, family == api::IpFamily::v6, is_v6);
    if (found == given.end()) {
      return fail(
          std::string("the relay has no ") + (family == api::IpFamily::v6 ? "IPv6" : "IPv4") + " address, only " + list,
          "run it where the network has both families, or take this one out of ipFamilies");
    }
    chosen.push_back(*found);
  }
  return chosen;
}

Result<PublicAddresses> parse_public_addresses(std::string_view text, const std::string& pod, const std::string& node) {
  const auto document = parse_json(text);
  if (!document) return fail(document.error());
  PublicAddresses found;
  std::optional<Error> error;
  JsonFields fields(*document, "", error);
  if (error) return fail(*error);
  const auto entry = [&](const char* map, const std::string& name) {
    fields.object(map, [&](JsonFields& entries) {
      entries.ignore_others();
      if (entries.has(name.c_str())) entries.texts(name.c_str(), found.addresses);
    });
  };
  entry("nodes", node);
  entry("relays", pod);
  if (fields.has("bitsPerSecondPerSession")) {
    // Less than a byte would be none, which coturn takes for no limit.
    fields.number("bitsPerSecondPerSession", found.bits_per_second_per_session.emplace(), 8);
  }
  fields.refuse_others();
  if (error) return fail(*error);
  for (const std::string& address : found.addresses) {
    if (const auto literal = parse_address(address); !literal) return fail(literal.error());
  }
  return found;
}

Result<std::vector<coturn::OwnAddress>> behind(const std::vector<std::string>& own,
                                               const std::vector<std::string>& outside) {
  std::vector<coturn::OwnAddress> addresses;
  for (const std::string& address : own) {
    const auto found = std::ranges::find(outside, is_v6(address), is_v6);
    if (found != outside.end()) addresses.push_back({address, *found});
  }
  if (addresses.empty()) {
    return fail("no public address is of a family that the relay has",
                "give the relay's Service or node an address of the same family as the pod's");
  }
  return addresses;
}

}  // namespace turnkeeper::agent
