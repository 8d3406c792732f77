// Every credential API as a stranger may speak it. Input: a byte that chooses the API, then lines: the query, the
// Authorization header, what stands in the path; the rest is the body.
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "monitor/shape/metered.hpp"
#include "monitor/shape/native.hpp"
#include "monitor/shape/session.hpp"
#include "monitor/shape/shape.hpp"
#include "require.hpp"

using namespace turnkeeper;
using namespace turnkeeper::monitor;
using turnkeeper::fuzz::require;

namespace {

const SystemTime now{std::chrono::seconds(1'700'000'000)};

const IceConfig& config() {
  static const IceConfig one{.servers = {{.urls = {"turn:a.test:3478?transport=udp"},
                                          .username = "1700003600:u",
                                          .credential = Secret("pw"),
                                          .relay = "a",
                                          .region = "eu"},
                                         {.urls = {"stun:s.test:3478"}}},
                             .expires = now + std::chrono::hours(1),
                             .refresh_at = now + std::chrono::minutes(45),
                             .cluster = "calls",
                             .region = "eu",
                             .served_by = "eu"};
  return one;
}

void check(const http::Response& response) {
  require(response.status >= 200 && response.status < 600, "an answer has a status");
  const bool json = response.content_type.find("json") != std::string::npos;
  require(!json || nlohmann::json::accept(response.body), "what is called JSON is JSON");
  for (const auto& [name, value] : response.headers) {
    require(value.find_first_of("\r\n") == std::string::npos, "no header is split");
  }
}

std::string take_line(std::string_view& rest) {
  const auto end = std::min(rest.find('\n'), rest.size());
  const std::string line(rest.substr(0, end));
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  http::Request request;
  request.peer = "192.0.2.1:40000";
  if (auto query = http::parse_query(take_line(rest))) request.query = std::move(*query);
  request.headers = {{"authorization", take_line(rest)}};
  const std::string segment = take_line(rest);
  for (const char* name : {"account", "channel", "id", "project", "username"}) request.parameters[name] = segment;
  request.body = std::string(rest);

  const auto all = shapes();
  const std::size_t chosen = data[0] % (all.size() + 1);
  if (chosen == all.size()) {
    const auto session = read_session(request);
    if (!session) {
      check(native_refusal(session.error()));
      return 0;
    }
    require(!session->ends.empty() && session->ends.size() <= 16, "a session has 1 to 16 ends");
    check(session_answer(*session, std::vector<IceConfig>(session->ends.size(), config()), now));
    return 0;
  }
  const Shape& shape = all[chosen];
  const Secret key = shape.key(request);
  if (shape.issued) {
    if (const auto issued = shape.issued(request)) {
      require(!issued->user.empty() || issued->username.ends_with(':'), "a user name holds its user");
      const OneCredential same{.urls = {}, .username = issued->username, .password = issued->password};
      require(issued_credential(api_key_of(same)).has_value(), "an API key survives its text");
    }
  }
  check(shape.refuse({.status = 401, .error = {"no", ""}, .no_key = key.empty()}));
  const auto ask = shape.read(request);
  if (!ask) {
    require(ask.error().status >= 400, "a refusal is one");
    check(shape.refuse(ask.error()));
    return 0;
  }
  require(!ask->request.ttl || (ask->request.ttl->count() > 0 && ask->request.ttl->count() <= 365 * 86'400),
          "a lifetime is bounded");
  check(ask->answer(config(), now));
  check(ask->answer(IceConfig{.expires = now}, now));
  return 0;
}
