#include "turnkeeper/api/names.hpp"

namespace turnkeeper::api {
namespace {

template <class Table, class Value>
std::string_view name_in(const Table& table, Value value) {
  for (const auto& [name, candidate] : table) {
    if (candidate == value) return name;
  }
  return {};
}

}  // namespace

std::string_view transport_name(Transport transport) {
  return name_in(transport_names, transport);
}

std::string_view exposure_name(Exposure exposure) {
  return name_in(exposure_names, exposure);
}

std::string_view ip_family_name(IpFamily family) {
  return name_in(ip_family_names, family);
}

std::string_view provider_type_name(ProviderType type) {
  return name_in(provider_type_names, type);
}

}  // namespace turnkeeper::api
