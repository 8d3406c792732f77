// Service accounts, what they may do, and what they did: "verb resource.group" of each.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "tests/support/testbed.hpp"

namespace turnkeeper::op {

// One namespace of a part with a control plane, as its administrator.
class Rights {
 public:
  Rights(const testbed::Part& part, std::string namespace_name);

  // Its output; a failure fails the test.
  std::string kubectl(std::vector<std::string> arguments) const;
  // A new service account of the namespace that may do everything.
  void make_administrator(const std::string& account) const;
  // For a service account of the namespace, with everything in it: the text.
  [[nodiscard]] std::string kubeconfig_of(const std::string& account) const;
  [[nodiscard]] std::string user_of(const std::string& account) const;
  // In a role as `kubectl get (cluster)role -o json` prints it.
  [[nodiscard]] static std::set<std::string> granted(const std::string& role);
  // By that service account, in all namespaces.
  [[nodiscard]] std::set<std::string> used(const std::string& account) const;

 private:
  const testbed::Part& part_;
  const std::string namespace_;
};

}  // namespace turnkeeper::op
