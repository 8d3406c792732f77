// A certificate authority in a folder of its own.
#pragma once

#include <string>

#include "monitor/exchange/exchange.hpp"

namespace turnkeeper::monitor {

class Certificates {
 public:
  explicit Certificates(const std::string& name);
  ~Certificates();
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;

  // A new certificate for `dns_name` and its key. `uri`: another name in it, if any.
  [[nodiscard]] Exchange::Tls issue(const std::string& dns_name, const std::string& uri = "") const;

 private:
  [[nodiscard]] std::string path(const std::string& file) const { return folder_ + "/" + file; }
  const std::string folder_;
};

}  // namespace turnkeeper::monitor
