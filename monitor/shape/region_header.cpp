#include "monitor/shape/region_header.hpp"

namespace turnkeeper::monitor {

std::string region_of(const RegionHeader& header, const http::Request& request) {
  if (header.name.empty()) return {};
  const auto found = header.regions.find(request.header(header.name));
  return found == header.regions.end() ? std::string() : found->second;
}

}  // namespace turnkeeper::monitor
