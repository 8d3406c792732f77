// The API server behind a proxy that makes trouble when told to.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "turnkeeper/base/child_process.hpp"

namespace turnkeeper::op {

class Trouble {
 public:
  // `server`: what a control plane part tells of itself. Throws when the proxy does not start.
  Trouble(const nlohmann::json& server, const std::string& name);
  ~Trouble();
  Trouble(const Trouble&) = delete;
  Trouble& operator=(const Trouble&) = delete;

  [[nodiscard]] const std::string& kubeconfig() const { return kubeconfig_; }
  // The faults are those of faulty_proxy.py.
  void inject(const std::string& fault) const;
  // How many writes were made to wait.
  [[nodiscard]] int held() const;

 private:
  const std::string log_;
  const std::string kubeconfig_;
  std::string address_;
  std::optional<ChildProcess> proxy_;
};

}  // namespace turnkeeper::op
