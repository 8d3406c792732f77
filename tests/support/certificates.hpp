// A certificate authority for one test, with certificates that are as right or as wrong as the test needs them.
//
//   Authority authority(directory);
//   const auto files = authority.issue({.names = {"turn.example.org"}, .addresses = {"127.0.0.1"}});
//   start_relay("cert=" + files.certificate + "\npkey=" + files.key);
//   make_tls_context({.ca_file = authority.file()});
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace turnkeeper::testbed {

class Authority {
 public:
  // Its files are written to the directory, which the test makes and removes.
  explicit Authority(std::string directory);
  ~Authority();
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  // PEM, what to trust.
  [[nodiscard]] std::string file() const;

  struct Request {
    std::vector<std::string> names = {};                       // DNS names
    std::vector<std::string> addresses = {};                   // IP addresses
    std::chrono::seconds valid_from = -std::chrono::hours(1);  // from now
    std::chrono::seconds valid_to = std::chrono::hours(24);
    bool self_signed = false;  // by its own key instead of the authority's
  };
  struct Files {
    std::string certificate;  // PEM
    std::string key;
  };
  [[nodiscard]] Files issue(const Request& request);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace turnkeeper::testbed
