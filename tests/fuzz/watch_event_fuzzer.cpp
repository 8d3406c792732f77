// What an API server sends of an object: what is kept of JSON is JSON, and without managedFields.
#include <nlohmann/json.hpp>
#include <string>

#include "require.hpp"
#include "turnkeeper/kube/packing.hpp"

using namespace turnkeeper;
using nlohmann::json;
using turnkeeper::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string line(reinterpret_cast<const char*>(data), size);
  static_cast<void>(kube::read_receipt(line));
  const auto event = kube::pack_event(line, "turnkeeper.io/cluster");
  if (!event || !json::accept(line)) return 0;
  const json object = kube::unpack(event->object.text);
  require(object.is_object(), "what is kept of an object is an object");
  require(json::accept(event->object.text), "what is kept is JSON");
  return 0;
}
