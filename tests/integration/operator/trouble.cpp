#include "trouble.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <regex>
#include <stdexcept>

#include "operator_process.hpp"
#include "turnkeeper/http/client.hpp"

namespace turnkeeper::op {

using nlohmann::json;
using namespace std::chrono_literals;

Trouble::Trouble(const json& server, const std::string& name)
    : log_(::testing::TempDir() + name + "-proxy.log"), kubeconfig_(::testing::TempDir() + name + "-kubeconfig") {
  auto started =
      ChildProcess::start({.argv = {"/usr/bin/python3", TURNKEEPER_SOURCE_DIR "/tests/support/faulty_proxy.py",
                                    server["server"], server["ca"], server["token"]},
                           .log_path = log_});
  if (!started) throw std::runtime_error(started.error().text());
  proxy_ = std::move(*started);
  const bool is_there = eventually([&] {
    std::ifstream file(log_);
    std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    std::smatch match;
    if (!std::regex_search(text, match, std::regex("port (\\d+)"))) return false;
    address_ = "http://127.0.0.1:" + match[1].str();
    return true;
  });
  if (!is_there) throw std::runtime_error("the proxy does not say its port; its log: " + log_);
  std::ofstream(kubeconfig_) << json{{"current-context", "it"},
                                     {"contexts", {{{"name", "it"}, {"context", {{"cluster", "it"}}}}}},
                                     {"clusters", {{{"name", "it"}, {"cluster", {{"server", address_}}}}}}}
                                    .dump();
}

Trouble::~Trouble() {
  std::remove(kubeconfig_.c_str());
  std::remove(log_.c_str());
}

void Trouble::inject(const std::string& fault) const {
  auto done = http::fetch(address_, {.method = "PUT", .target = "/_fault", .body = fault}, in(10s));
  ASSERT_TRUE(done) << done.error().text();
}

int Trouble::held() const {
  const auto answer = http::fetch(address_, {.method = "GET", .target = "/_held"}, in(10s));
  return answer ? std::stoi(answer->body) : 0;
}

}  // namespace turnkeeper::op
