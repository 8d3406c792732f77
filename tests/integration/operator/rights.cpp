#include "rights.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "audit.hpp"
#include "turnkeeper/base/encoding.hpp"

namespace turnkeeper::op {

using nlohmann::json;

Rights::Rights(const testbed::Part& part, std::string namespace_name)
    : part_(part), namespace_(std::move(namespace_name)) {}

std::string Rights::kubectl(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(),
                   {part_.info()["kubectl"], "--kubeconfig", part_.info()["kubeconfig"], "--namespace", namespace_});
  auto done = run_command(arguments, Deadline::after(real_clock(), std::chrono::seconds(60)));
  EXPECT_TRUE(done) << done.error().text();
  EXPECT_EQ(done->status, 0) << done->text;
  return done->text;
}

void Rights::make_administrator(const std::string& account) const {
  kubectl({"create", "serviceaccount", account});
  kubectl({"create", "clusterrolebinding", namespace_ + '-' + account, "--clusterrole=cluster-admin",
           "--serviceaccount=" + namespace_ + ':' + account});
}

std::string Rights::kubeconfig_of(const std::string& account) const {
  std::string token = kubectl({"create", "token", account});
  while (token.ends_with('\n')) token.pop_back();
  std::ifstream file(part_.info()["ca"].get<std::string>());
  const std::string ca{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const json server = {{"server", part_.info()["server"]}, {"certificate-authority-data", base64_encode(ca)}};
  return json{{"current-context", "it"},
              {"contexts", {{{"name", "it"}, {"context", {{"cluster", "it"}, {"user", "it"}}}}}},
              {"clusters", {{{"name", "it"}, {"cluster", server}}}},
              {"users", {{{"name", "it"}, {"user", {{"token", token}}}}}}}
      .dump();
}

std::string Rights::user_of(const std::string& account) const {
  return "system:serviceaccount:" + namespace_ + ':' + account;
}

std::set<std::string> Rights::granted(const std::string& role) {
  std::set<std::string> out;
  const json object = json::parse(role);
  for (const auto& rule : object.at("rules")) {
    for (const std::string group : rule.at("apiGroups")) {
      for (const std::string resource : rule.at("resources")) {
        for (const std::string verb : rule.at("verbs")) {
          out.insert(verb + ' ' + resource + (group.empty() ? "" : '.' + group));
        }
      }
    }
  }
  return out;
}

std::set<std::string> Rights::used(const std::string& account) const {
  std::set<std::string> out;
  for (const auto& request : audited(part_)) {
    if (request.user != user_of(account) || request.resource.empty()) continue;
    out.insert(request.verb + ' ' + request.resource);
    if (request.creates()) out.insert("create " + request.resource);
  }
  return out;
}

}  // namespace turnkeeper::op
