#include "cli/control.hpp"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "turnkeeper/base/encoding.hpp"
#include "turnkeeper/http/client.hpp"

namespace turnkeeper::cli {
namespace {

constexpr const char* kStartOne = "start one: turnctl up -f cluster.yaml";

Deadline soon() {
  return Deadline::after(real_clock(), std::chrono::seconds(10));
}

std::string list_json(const LocalRelays& relays, const std::string& cluster, const std::string& url) {
  auto list = nlohmann::ordered_json::array();
  for (const auto& relay : relays.list()) {
    list.push_back({{"name", relay.name},
                    {"region", relay.region},
                    {"address", relay.address},
                    {"state", relay.held  ? "stopped"
                              : relay.pid ? "running"
                                          : "starting"}});
  }
  return nlohmann::ordered_json{{"cluster", cluster}, {"url", url}, {"relays", std::move(list)}}.dump();
}

// Sockets below the state home that somebody listens on.
std::vector<std::string> running_directories() {
  std::vector<std::string> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(state_home(), error)) {
    const std::string socket = "unix:" + entry.path().string() + "/control.sock";
    if (http::fetch(socket, {.target = "/relays"}, soon())) found.push_back(entry.path().string());
  }
  std::ranges::sort(found);
  return found;
}

}  // namespace

http::Router control_router(LocalRelays& relays, std::string cluster, std::string url, std::function<void()> changed) {
  http::Router router;
  router.get("/relays", [&relays, cluster = std::move(cluster), url = std::move(url)](const http::Request&) {
    return http::Response::json(list_json(relays, cluster, url));
  });
  const auto answer = [changed = std::move(changed)](const Result<void>& done) {
    if (!done) return http::Response::problem(404, done.error());
    changed();
    return http::Response::json("{}");
  };
  router.post("/relays/{name}/stop", [&relays, answer](const http::Request& request) {
    return answer(relays.stop(request.parameters.at("name")));
  });
  router.post("/relays/{name}/start", [&relays, answer](const http::Request& request) {
    return answer(relays.start(request.parameters.at("name")));
  });
  return router;
}

Result<Control> Control::connect(const std::string& state_directory) {
  std::string directory = state_directory;
  if (directory.empty()) {
    const auto running = running_directories();
    if (running.empty()) return fail("no `turnctl up` is running", kStartOne);
    if (running.size() > 1) {
      std::string list;
      for (const auto& path : running) list += (list.empty() ? "" : ", ") + path;
      return fail("several `turnctl up` are running", "choose one with --state-dir: " + list);
    }
    directory = running.front();
  }
  Control control("unix:" + directory + "/control.sock");
  if (const auto reply = http::fetch(control.address_, {.target = "/relays"}, soon()); !reply) {
    return fail("no `turnctl up` is running with the state directory " + directory, kStartOne);
  }
  return control;
}

Result<ControlledCluster> Control::list() const {
  const auto reply = http::fetch(address_, {.target = "/relays"}, soon());
  if (!reply) return fail(reply.error());
  if (reply->status != 200) return fail(reply->error());
  try {
    const auto json = nlohmann::json::parse(reply->body);
    ControlledCluster cluster{.name = json.at("cluster"), .url = json.at("url"), .relays = {}};
    for (const auto& relay : json.at("relays")) {
      cluster.relays.push_back({.name = relay.at("name"),
                                .region = relay.at("region"),
                                .address = relay.at("address"),
                                .running = relay.at("state") != "stopped"});
    }
    return cluster;
  } catch (const nlohmann::json::exception& error) {
    return fail("the answer of " + address_ + " is not understood: " + error.what(),
                "use the same version of turnctl on both sides");
  }
}

Result<void> Control::post(const std::string& relay, const std::string& action) const {
  const auto reply =
      http::fetch(address_, {.method = "POST", .target = "/relays/" + percent_encode(relay) + "/" + action}, soon());
  if (!reply) return fail(reply.error());
  if (reply->status != 200) return fail(reply->error());
  return {};
}

}  // namespace turnkeeper::cli
