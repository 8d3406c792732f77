// What the kubelet and Prometheus ask the operator: /healthz, /readyz and /metrics, on a thread of its own.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "turnkeeper/base/result.hpp"

namespace turnkeeper::op {

class Probes {
 public:
  // Called on the server's thread.
  struct Answers {
    std::function<Result<>()> healthy;  // an error: why the process should be started again
    std::function<Result<>()> ready;
    std::function<std::string()> metrics;
  };
  [[nodiscard]] static Result<std::unique_ptr<Probes>> listen(const std::string& address, Answers answers);
  ~Probes();
  Probes(const Probes&) = delete;
  Probes& operator=(const Probes&) = delete;

  [[nodiscard]] const std::string& address() const;

 private:
  class Impl;
  explicit Probes(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace turnkeeper::op
