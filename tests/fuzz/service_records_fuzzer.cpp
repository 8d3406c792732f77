// What a stranger's name server said, made into endpoints: lines of "service flags replacement", then SRV numbers.
#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "require.hpp"
#include "turnkeeper/turn/service_records.hpp"

using namespace turnkeeper::turn;
using turnkeeper::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::istringstream text(std::string(reinterpret_cast<const char*>(data), size));
  const std::vector<Protocol> wanted{Protocol::udp, Protocol::tls};
  std::vector<NaptrRecord> naptr;
  std::vector<SrvRecord> srv;
  std::string line;
  while (std::getline(text, line)) {
    std::istringstream words(line);
    NaptrRecord record;
    words >> record.service >> record.flags >> record.replacement >> record.regexp;
    record.order = static_cast<std::uint16_t>(line.size() % 3);
    srv.push_back({.priority = record.order,
                   .weight = static_cast<std::uint16_t>(record.service.size() * 7919),
                   .port = 3478,
                   .target = record.replacement});
    naptr.push_back(std::move(record));
  }
  for (const auto& pointer : follow(naptr, wanted)) {
    require(!pointer.protocols.empty(), "a pointer is for a protocol");
    for (const auto protocol : pointer.protocols) {
      require(std::ranges::find(wanted, protocol) != wanted.end(), "only what is wanted is followed");
    }
  }
  double last = 0;
  const auto ordered = in_order(srv, [&last] { return last = last > 0.9 ? 0 : last + 0.3; });
  require(ordered.size() <= srv.size(), "no record comes twice");
  require(std::ranges::is_sorted(ordered, {}, &SrvRecord::priority), "priorities are kept");
  return 0;
}
