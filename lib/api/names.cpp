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

}  // namespace turnkeeper::api
