// The part of the API server that keeps Secrets: create, read, apply with a resource version as a precondition.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "turnkeeper/kube/transport.hpp"

namespace turnkeeper::op {

class SecretsServer final : public kube::Transport {
 public:
  std::map<std::string, nlohmann::json> secrets;  // by name
  int writes = 0;
  std::function<void(const kube::Request&)> before;  // called once for each request, before it is carried out

  kube::Result<kube::Response> send(const kube::Request& request, Deadline, std::stop_token) override {
    if (before) std::exchange(before, nullptr)(request);
    const auto path = request.path.substr(0, request.path.find('?'));
    const auto name = path.substr(path.rfind('/') + 1);
    if (request.method == "GET") return secrets.contains(name) ? answer(200, secrets[name]) : refusal(404, "NotFound");
    auto object = nlohmann::json::parse(request.body);
    const auto own_name = object["metadata"]["name"].get<std::string>();
    const bool is_there = secrets.contains(own_name);
    if (request.method == "POST" && is_there) return refusal(409, "AlreadyExists");
    if (request.method == "PATCH") {
      const auto expected = object["metadata"].value("resourceVersion", "");
      if (is_there && expected != secrets[own_name]["metadata"]["resourceVersion"]) return refusal(409, "Conflict");
    }
    object["metadata"]["resourceVersion"] = std::to_string(++writes);
    secrets[own_name] = object;
    return answer(200, object);
  }
  kube::Result<kube::Opened> open(const kube::Request&, std::chrono::seconds, std::stop_token) override {
    return kube::fail(kube::Error(kube::ErrorKind::unexpected, "no watches here"));
  }

 private:
  static kube::Response answer(int status, const nlohmann::json& body) { return {status, body.dump()}; }
  static kube::Response refusal(int status, const std::string& reason) {
    return answer(
        status, {{"kind", "Status"}, {"status", "Failure"}, {"reason", reason}, {"message", reason}, {"code", status}});
  }
};

}  // namespace turnkeeper::op
