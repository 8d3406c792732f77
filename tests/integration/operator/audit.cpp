#include "audit.hpp"

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

namespace turnkeeper::op {
namespace {

// What the API server logs when nobody waits for its answer any more.
constexpr int given_up = 504;

}  // namespace

std::vector<Audited> audited(const testbed::Part& part) {
  std::vector<Audited> out;
  std::ifstream log(part.info()["audit_log"].get<std::string>());
  for (std::string line; std::getline(log, line);) {
    const auto entry = nlohmann::json::parse(line, nullptr, false);
    if (!entry.is_object()) continue;  // the line that is being written
    Audited request{.verb = entry.value("verb", ""),
                    .uri = entry.value("requestURI", ""),
                    .path = {},
                    .resource = {},
                    .user = entry["user"].value("username", ""),
                    .agent = entry.value("userAgent", "")};
    request.path = request.uri.substr(0, request.uri.find('?'));
    if (entry.contains("responseStatus")) request.code = entry["responseStatus"].value("code", 0);
    if (entry.contains("objectRef")) {
      const auto& object = entry["objectRef"];
      request.resource = object.value("resource", "");
      if (object.contains("subresource")) request.resource += '/' + object["subresource"].get<std::string>();
      if (object.contains("apiGroup")) request.resource += '.' + object["apiGroup"].get<std::string>();
    }
    out.push_back(std::move(request));
  }
  return out;
}

Contest contest(const testbed::Part& part, const std::string& namespace_name) {
  Contest result;
  std::map<std::string, int> there;
  for (const auto& request : audited(part)) {
    if (!request.writes() || request.path.find("/namespaces/" + namespace_name + "/") == std::string::npos) continue;
    if (request.creates() && request.verb == "patch" && ++there[request.path] > 1) {
      result.harm.push_back("made again: " + request.path);
    }
    if (request.verb == "delete" && request.code < 300) there[request.path] = 0;
    if (!request.agent.starts_with("turnkeeper")) continue;
    const bool too_late = request.code == 409 || (request.verb == "delete" && request.code == 404);
    if (too_late) {
      ++result.conflicts;
    } else if (request.code >= 300 && request.code != given_up) {
      result.harm.push_back(std::to_string(request.code) + ' ' + request.verb + ' ' + request.uri);
    }
  }
  return result;
}

}  // namespace turnkeeper::op
