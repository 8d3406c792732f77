#include "turnkeeper/turn/service_records.hpp"

#include <strings.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

namespace turnkeeper::turn {
namespace {

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// The application protocol tags of RFC 5928 section 5, and RFC 7350 section 8 for DTLS.
std::optional<Protocol> protocol_of_tag(std::string_view tag) {
  constexpr std::array<std::pair<std::string_view, Protocol>, 4> tags{{
      {"turn.udp", Protocol::udp},
      {"turn.tcp", Protocol::tcp},
      {"turn.tls", Protocol::tls},
      {"turn.dtls", Protocol::dtls},
  }};
  const auto found =
      std::ranges::find_if(tags, [&](const auto& entry) { return equal_ignoring_case(entry.first, tag); });
  return found == tags.end() ? std::nullopt : std::optional(found->second);
}

std::vector<Protocol> protocols_of(std::string_view service, const std::vector<Protocol>& wanted) {
  std::vector<Protocol> protocols;
  auto colon = service.find(':');
  if (!equal_ignoring_case(service.substr(0, colon), "RELAY")) return protocols;
  while (colon != std::string_view::npos) {
    service.remove_prefix(colon + 1);
    colon = service.find(':');
    const auto protocol = protocol_of_tag(service.substr(0, colon));
    if (protocol && std::ranges::count(wanted, *protocol) != 0) protocols.push_back(*protocol);
  }
  return protocols;
}

}  // namespace

std::vector<ServicePointer> follow(std::vector<NaptrRecord> records, const std::vector<Protocol>& wanted) {
  std::ranges::stable_sort(records, {},
                           [](const NaptrRecord& record) { return std::pair(record.order, record.preference); });
  std::vector<ServicePointer> pointers;
  for (auto& record : records) {
    auto protocols = protocols_of(record.service, wanted);
    if (protocols.empty() || !record.regexp.empty() || record.replacement.empty()) continue;
    using To = ServicePointer::To;
    std::optional<To> to;
    if (record.flags.empty()) to = To::naptr;
    if (equal_ignoring_case(record.flags, "s")) to = To::srv;
    if (equal_ignoring_case(record.flags, "a")) to = To::addresses;
    if (to) pointers.push_back({*to, std::move(record.replacement), std::move(protocols)});
  }
  return pointers;
}

std::vector<SrvRecord> in_order(std::vector<SrvRecord> records, const std::function<double()>& draw) {
  if (records.size() == 1 && (records.front().target.empty() || records.front().target == ".")) return {};
  std::ranges::stable_sort(records, {}, &SrvRecord::priority);
  for (auto first = records.begin(); first != records.end(); ++first) {
    const auto end = std::find_if(first, records.end(), [&](const auto& r) { return r.priority != first->priority; });
    unsigned total = 0;
    for (auto record = first; record != end; ++record) total += record->weight;
    // Those of weight 0 are drawn when the others are gone, but for the smallest of draws.
    double point = draw() * (total + 1);
    const auto drawn = std::find_if(first, end, [&](const auto& record) { return (point -= record.weight) < 0; });
    if (drawn != end) std::iter_swap(first, drawn);
  }
  return records;
}

std::string srv_name(const std::string& scheme, Protocol protocol, const std::string& name) {
  const bool datagrams = protocol == Protocol::udp || protocol == Protocol::dtls;
  return "_" + scheme + (datagrams ? "._udp." : "._tcp.") + name;
}

}  // namespace turnkeeper::turn
