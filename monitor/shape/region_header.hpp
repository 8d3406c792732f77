// Where a client is, as a proxy in front of us says it in a header: CF-IPCountry: DE.
#pragma once

#include <map>
#include <string>

#include "turnkeeper/http/message.hpp"

namespace turnkeeper::monitor {

struct RegionHeader {
  std::string name;                            // in lower case; empty: there is none
  std::map<std::string, std::string> regions;  // its value -> our region
  bool operator==(const RegionHeader&) const = default;
};

// The region that it maps to; empty: it is absent, or says what is not mapped.
[[nodiscard]] std::string region_of(const RegionHeader& header, const http::Request& request);

}  // namespace turnkeeper::monitor
