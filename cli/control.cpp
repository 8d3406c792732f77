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
                    {"state", relay.held       ? "stopped"
                              : relay.draining ? "draining"
                              : relay.pid      ? "running"
                                               : "starting"}});
  }
  return nlohmann::ordered_json{{"cluster", cluster}, {"url", url}, {"relays", std::move(list)}}.dump();
}

std::string path_of(LocalKeys::Request request) {
  return request == LocalKeys::Request::rotate ? "/keys/rotate" : "/keys/revoke";
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

void add_control_routes(http::Router& router, const std::unique_ptr<LocalRelays>& relays, const ControlRoutes& routes) {
  router.get(routes.prefix + "/relays", [&relays, cluster = routes.cluster, url = routes.url](const http::Request&) {
    return http::Response::json(list_json(*relays, cluster, url()));
  });
  using Action = Result<void> (LocalRelays::*)(const std::string&);
  const auto add = [&](const char* name, Action action) {
    router.post(routes.prefix + "/relays/{name}/" + name,
                [&relays, action, may = routes.changes, changed = routes.changed](const http::Request& request) {
                  if (!may(request)) return http::Response::problem(403, {"this page may not change relays", ""});
                  if (auto done = (*relays.*action)(request.parameters.at("name")); !done) {
                    return http::Response::problem(404, done.error());
                  }
                  changed();
                  return http::Response::json("{}");
                });
  };
  add("stop", &LocalRelays::stop);
  add("drain", &LocalRelays::drain);
  add("start", &LocalRelays::start);
  if (!routes.rotate) return;
  for (const auto request : {LocalKeys::Request::rotate, LocalKeys::Request::revoke}) {
    router.post(routes.prefix + path_of(request), [request, rotate = routes.rotate](const http::Request&) {
      return http::Response::json(nlohmann::json{{"message", rotate(request)}}.dump());
    });
  }
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
                                .state = relay.at("state")});
    }
    return cluster;
  } catch (const nlohmann::json::exception& error) {
    return fail("the answer of " + address_ + " is not understood: " + error.what(),
                "use the same version of turnctl on both sides");
  }
}

Result<std::string> Control::rotate(LocalKeys::Request request) const {
  const auto reply = http::fetch(address_, {.method = "POST", .target = path_of(request)}, soon());
  if (!reply) return fail(reply.error());
  if (reply->status != 200) return fail(reply->error());
  return nlohmann::json::parse(reply->body, nullptr, false).value("message", std::string());
}

Result<void> Control::post(const std::string& relay, const std::string& action) const {
  const auto reply =
      http::fetch(address_, {.method = "POST", .target = "/relays/" + percent_encode(relay) + "/" + action}, soon());
  if (!reply) return fail(reply.error());
  if (reply->status != 200) return fail(reply->error());
  return {};
}

}  // namespace turnkeeper::cli
