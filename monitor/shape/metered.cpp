#include "monitor/shape/metered.hpp"

#include <charconv>
#include <nlohmann/json.hpp>

#include "monitor/shape/reading.hpp"
#include "turnkeeper/base/encoding.hpp"

namespace turnkeeper::monitor {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view prefix = "turn.";
constexpr std::size_t longest_api_key = 1024;

// As Metered words it where its documents do: `missing` and `wrong` for keys.
http::Response refuse(const Trouble& trouble, const char* field, const char* missing, const char* wrong) {
  const int status = trouble.status == 401 && trouble.no_key ? 400 : trouble.status;
  const std::string text = trouble.status != 401 ? trouble.error.text() : trouble.no_key ? missing : wrong;
  auto response = fresh_json(Json{{field, text}}.dump(-1, ' ', false, Json::error_handler_t::replace), status);
  if (trouble.retry_after) response.headers.emplace_back("Retry-After", std::to_string(trouble.retry_after->count()));
  return response;
}

http::Response list(const IceConfig& config, SystemTime) {
  Json servers = Json::array();
  for (const bool stun : {true, false}) {
    for (const auto& server : config.servers) {
      if (server.username.empty() != stun) continue;
      for (const auto& url : server.urls) {
        Json entry{{"urls", url}};
        if (!stun) {
          entry["username"] = server.username;
          entry["credential"] = server.credential.reveal();
        }
        servers.push_back(std::move(entry));
      }
    }
  }
  return fresh_json(servers.dump(-1, ' ', false, Json::error_handler_t::replace));
}

tl::expected<Ask, Trouble> read_list(const http::Request& request) {
  auto wanted = read_hints(request);
  if (!wanted) return tl::unexpected(wanted.error());
  auto region = std::exchange(wanted->region, "");
  return Ask{.request = std::move(*wanted), .region_hint = std::move(region), .answer = list};
}

http::Response refuse_list(const Trouble& trouble) {
  return refuse(trouble, "error", "Please specify API Key", "Invalid API Key");
}

http::Response refuse_creation(const Trouble& trouble) {
  return refuse(trouble, "message", "Please specify secret key", "Invalid secret key");
}

tl::expected<Ask, Trouble> read_creation(const http::Request& request) {
  auto wanted = read_hints(request);
  if (!wanted) return tl::unexpected(wanted.error());
  const auto body = read_json(request.body);
  if (!body) return tl::unexpected(body.error());
  const auto expiry = seconds_in(*body, "expiryInSeconds");
  if (!expiry) {
    return tl::unexpected(Trouble{.error = {"please enter a positive integer value for expiryInSeconds", ""}});
  }
  const auto label = text_in(*body, "label");
  if (!label) return tl::unexpected(label.error());
  wanted->ttl = *expiry;
  const auto project = request.parameters.find("project");
  return Ask{.request = std::move(*wanted),
             .cluster_hint = project == request.parameters.end() ? std::string() : std::string(project->second),
             .answer = [label = *label](const IceConfig& config, SystemTime now) {
               const auto best = best_credential(config);
               if (best.urls.empty()) {
                 return refuse_creation({.status = 503, .error = {"there is no relay", "ask again in a moment"}});
               }
               Json created{{"username", best.username},
                            {"password", best.password.reveal()},
                            {"expiryInSeconds", seconds_left(config, now)}};
               if (!label.empty()) created["label"] = label;
               if (const auto key = api_key_of(best); issued_credential(key)) created["apiKey"] = key;
               return fresh_json(created.dump(-1, ' ', false, Json::error_handler_t::replace));
             }};
}

}  // namespace

std::string api_key_of(const OneCredential& credential) {
  return std::string(prefix) + hex_encode(credential.username + " " + credential.password.reveal());
}

std::optional<IssuedCredential> issued_credential(std::string_view api_key) {
  if (!api_key.starts_with(prefix) || api_key.size() > longest_api_key) return std::nullopt;
  api_key.remove_prefix(prefix.size());
  if (api_key.size() % 2 != 0) return std::nullopt;
  std::string text;
  for (; !api_key.empty(); api_key.remove_prefix(2)) {
    unsigned char byte = 0;
    if (std::from_chars(api_key.data(), api_key.data() + 2, byte, 16).ptr != api_key.data() + 2) return std::nullopt;
    text += static_cast<char>(byte);
  }
  const auto space = text.find(' ');
  const auto colon = text.find(':');
  if (space == std::string::npos || colon == std::string::npos || colon > space) return std::nullopt;
  std::int64_t expires = 0;
  const auto [last, error] = std::from_chars(text.data(), text.data() + colon, expires);
  constexpr std::int64_t end_of_time = 253'402'300'799;  // the year 9999
  if (error != std::errc() || last != text.data() + colon || expires < 0 || expires > end_of_time) return std::nullopt;
  return IssuedCredential{.username = text.substr(0, space),
                          .password = Secret(text.substr(space + 1)),
                          .user = text.substr(colon + 1, space - colon - 1),
                          .expires = SystemTime(std::chrono::seconds(expires))};
}

Shape metered_shape() {
  return {
      .api = "metered",
      .method = "GET",
      .paths = {"/api/v1/turn/credentials"},
      .key = [](const http::Request& request) { return query_key(request, "apiKey"); },
      .read = read_list,
      .refuse = refuse_list,
      .issued = [](const http::Request& request) { return issued_credential(query_key(request, "apiKey").reveal()); }};
}

Shape metered_create_shape() {
  return {.api = "metered",
          .method = "POST",
          .paths = {"/api/v1/turn/credential", "/api/v2/turn/project/{project}/credential"},
          .key =
              [](const http::Request& request) {
                auto key = query_key(request, "secretKey");
                return key.empty() ? query_key(request, "projectApiKey") : key;
              },
          .read = read_creation,
          .refuse = refuse_creation};
}

}  // namespace turnkeeper::monitor
