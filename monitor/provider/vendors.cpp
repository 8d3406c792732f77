#include "monitor/provider/vendors.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "monitor/target/fleet.hpp"
#include "turnkeeper/base/encoding.hpp"

namespace turnkeeper::monitor {
namespace {

using nlohmann::json;
using Type = ProviderConfig::Type;

constexpr std::size_t most_quoted = 200;
constexpr std::int64_t longest_life = std::int64_t{366} * 24 * 3600;  // seconds

Secret basic(const std::string& user, const Secret& password) {
  return Secret("Basic " + base64_encode(user + ":" + password.reveal()));
}

std::string base_url(const ProviderConfig& config, const char* own) {
  std::string url = config.url.empty() ? own : config.url;
  while (url.ends_with('/')) url.pop_back();
  return url;
}

rest::Request ask_turn_rest(const ProviderConfig& config) {
  std::string url = config.url + (config.url.find('?') == std::string::npos ? "?" : "&") + "service=turn";
  url += "&username=" + percent_encode(config.user.empty() ? "turnkeeper" : config.user);
  if (!config.secret.empty()) url += "&key=" + percent_encode(config.secret.reveal());
  return {.url = Secret(std::move(url))};
}

rest::Request ask_twilio(const ProviderConfig& config) {
  return {.method = "POST",
          .url = Secret(base_url(config, "https://api.twilio.com") + "/2010-04-01/Accounts/" +
                        percent_encode(config.account) + "/Tokens.json"),
          .headers = {{"Authorization", basic(config.user.empty() ? config.account : config.user, config.secret)}},
          .content_type = "application/x-www-form-urlencoded",
          .body = "Ttl=" + std::to_string(std::min<std::int64_t>(config.ttl.count(), 86'400))};
}

rest::Request ask_metered(const ProviderConfig& config) {
  std::string url = base_url(config, "") + "/api/v1/turn/credentials?apiKey=" + percent_encode(config.secret.reveal());
  if (!config.region.empty()) url += "&region=" + percent_encode(config.region);
  return {.url = Secret(std::move(url))};
}

rest::Request ask_xirsys(const ProviderConfig& config) {
  return {.method = "PUT",
          .url = Secret(base_url(config, "https://global.xirsys.net") + "/_turn/" + percent_encode(config.channel)),
          .headers = {{"Authorization", basic(config.account, config.secret)}},
          .content_type = "application/json",
          .body = json{{"format", "urls"}, {"expire", std::to_string(config.ttl.count())}}.dump()};
}

rest::Request ask_cloudflare(const ProviderConfig& config) {
  return {.method = "POST",
          .url = Secret(base_url(config, "https://rtc.live.cloudflare.com") + "/v1/turn/keys/" +
                        percent_encode(config.account) + "/credentials/generate-ice-servers"),
          .headers = {{"Authorization", Secret("Bearer " + config.secret.reveal())}},
          .content_type = "application/json",
          .body = json{{"ttl", std::min<std::int64_t>(config.ttl.count(), 172'800)}}.dump()};
}

// Numbers are numbers to one vendor and texts to another.
std::optional<std::chrono::seconds> seconds_in(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) return std::nullopt;
  std::int64_t value = 0;
  if (found->is_number_integer()) {
    value = found->get<std::int64_t>();
  } else if (found->is_string()) {
    const auto& text = found->get_ref<const std::string&>();
    if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc()) return std::nullopt;
  }
  if (value <= 0) return std::nullopt;
  return std::chrono::seconds(std::min(value, longest_life));
}

std::string text_in(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

void add_uri(const turn::Uri& uri, const std::string& username, const Secret& password, Provided& provided) {
  auto same = std::ranges::find_if(provided.servers, [&](const Provided::Server& known) {
    return known.uris.front().host == uri.host && known.username == username && known.password == password;
  });
  if (same == provided.servers.end()) {
    same = provided.servers.insert(same, Provided::Server{.uris = {}, .username = username, .password = password});
  }
  if (std::ranges::count(same->uris, uri) == 0) same->uris.push_back(uri);
}

void add_server(const json& server, const json& urls, const char* password_key, Provided& provided) {
  const std::string username = text_in(server, "username");
  const Secret password(text_in(server, password_key));
  const auto list = urls.is_array() ? urls : json::array({urls});
  for (const auto& text : list) {
    if (!text.is_string() || username.empty() || password.empty()) continue;
    auto uri = turn::Uri::parse(text.get<std::string>());
    if (!uri || (uri->scheme != turn::Uri::Scheme::turn && uri->scheme != turn::Uri::Scheme::turns)) continue;
    add_uri(with_transport(std::move(*uri)), username, password, provided);
  }
}

// RTCIceServer objects, one or many; `url` is what they were called before 2014.
void add_ice_servers(const json& servers, Provided& provided) {
  for (const auto& server : servers.is_array() ? servers : json::array({servers})) {
    if (!server.is_object()) continue;
    const auto urls = server.find("urls");
    add_server(server, urls == server.end() ? server.value("url", json()) : *urls, "credential", provided);
  }
}

Error refusal(const ProviderConfig& config, const std::string& what) {
  return {std::string(provider_type_name(config.type)) + " " + config.name + ": " + what,
          "check its secret and the account's state at the vendor"};
}

std::string one_line(std::string text) {
  if (text.size() > most_quoted) text.resize(most_quoted);
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) > '~') c = ' ';
  }
  return text;
}

}  // namespace

bool is_credential_api(Type type) {
  return type != Type::static_list && type != Type::shared_secret;
}

Result<Provided> given_servers(const ProviderConfig& config) {
  Provided provided{.servers = {}, .expires = SystemTime::max()};
  const bool shared = config.type == Type::shared_secret;
  for (const auto& uri : config.uris) {
    add_uri(uri, shared ? std::string() : config.user, shared ? Secret() : config.secret, provided);
  }
  if (!config.uris.empty()) return provided;
  const auto list = json::parse(config.secret.reveal(), nullptr, false);
  if (!list.is_array() && !list.is_object()) {
    return fail("provider " + config.name + ": without urls its secret must be a list of ICE servers",
                R"(write [{"urls": ["turn:HOST:PORT"], "username": "...", "credential": "..."}] into it)");
  }
  add_ice_servers(list, provided);
  if (provided.servers.empty()) {
    return fail("provider " + config.name + ": its list names no TURN server with a username and a credential",
                R"(write [{"urls": ["turn:HOST:PORT"], "username": "...", "credential": "..."}] into its secret)");
  }
  return provided;
}

rest::Request provider_request(const ProviderConfig& config) {
  const auto ask = [&]() -> rest::Request {
    switch (config.type) {
      case Type::turn_rest:
        return ask_turn_rest(config);
      case Type::twilio:
        return ask_twilio(config);
      case Type::metered:
        return ask_metered(config);
      case Type::xirsys:
        return ask_xirsys(config);
      case Type::cloudflare:
        return ask_cloudflare(config);
      case Type::static_list:
      case Type::shared_secret:
        break;
    }
    return {};
  };
  auto request = ask();
  request.ca_file = config.ca_file;
  return request;
}

Result<Provided> read_answer(const ProviderConfig& config, const rest::Response& response, SystemTime now) {
  if (response.status < 200 || response.status >= 300) {
    std::string what = "the API answered " + std::to_string(response.status) + " " + response.reason;
    if (!response.body.empty()) what += ": " + one_line(response.body);
    return fail(refusal(config, what));
  }
  const auto answer = json::parse(response.body, nullptr, false);
  const Error strange = refusal(config, "the API's answer is not what it documents");
  Provided provided{.expires = now + config.ttl};
  switch (config.type) {
    case Type::turn_rest:
      if (!answer.is_object()) return fail(strange);
      add_server(answer, answer.value("uris", json()), "password", provided);
      if (const auto ttl = seconds_in(answer, "ttl")) provided.expires = now + *ttl;
      break;
    case Type::twilio:
      if (!answer.is_object()) return fail(strange);
      add_ice_servers(answer.value("ice_servers", json()), provided);
      if (const auto ttl = seconds_in(answer, "ttl")) provided.expires = now + *ttl;
      break;
    case Type::metered:
      if (!answer.is_array()) return fail(strange);
      add_ice_servers(answer, provided);
      break;
    case Type::xirsys:
      if (!answer.is_object()) return fail(strange);
      // It refuses with 200.
      if (text_in(answer, "s") != "ok")
        return fail(refusal(config, "the API refused: " + one_line(text_in(answer, "v"))));
      if (!answer.value("v", json()).is_object()) return fail(strange);
      add_ice_servers(answer["v"].value("iceServers", json()), provided);
      break;
    case Type::cloudflare:
      if (!answer.is_object()) return fail(strange);
      provided.expires = now + std::min(config.ttl, std::chrono::seconds(172'800));
      add_ice_servers(answer.value("iceServers", json()), provided);
      break;
    case Type::static_list:
    case Type::shared_secret:
      break;
  }
  if (provided.servers.empty()) return fail(refusal(config, "the API named no TURN server"));
  return provided;
}

}  // namespace turnkeeper::monitor
