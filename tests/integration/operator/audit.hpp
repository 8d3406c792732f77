// What the API server logged of each request.
//
//   for (const auto& request : audited(*part)) if (request.writes() && request.user == "system:serviceaccount:...") ...
#pragma once

#include <string>
#include <vector>

#include "tests/support/testbed.hpp"

namespace turnkeeper::op {

struct Audited {
  std::string verb;
  std::string uri;
  std::string path;      // the uri without what follows the '?'
  std::string resource;  // "pods/status", "statefulsets.apps"; empty for what is no resource
  std::string user;
  std::string agent;
  int code = 0;
  [[nodiscard]] bool writes() const {
    return verb == "create" || verb == "update" || verb == "patch" || verb == "delete";
  }
  // A create too, though the verb is patch: server-side apply.
  [[nodiscard]] bool creates() const { return (verb == "create" || verb == "patch") && code == 201; }
};

// Of a part with a control plane, in the order of the answers.
[[nodiscard]] std::vector<Audited> audited(const testbed::Part& part);

// What several operators that wrote into one namespace at once met there. Harmless is: each write succeeded, or came
// too late and was refused for that, or its operator ended before the answer; and nothing was made a second time that
// nobody had deleted.
struct Contest {
  int conflicts = 0;
  std::vector<std::string> harm;
};
[[nodiscard]] Contest contest(const testbed::Part& part, const std::string& namespace_name);

}  // namespace turnkeeper::op
