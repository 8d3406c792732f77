#include "monitor/shape/twilio.hpp"

#include <ctime>
#include <nlohmann/json.hpp>

#include "monitor/shape/reading.hpp"

namespace turnkeeper::monitor {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::chrono::seconds longest{86'400};

// RFC 2822, in GMT; strftime's names of days follow the locale, which is always "C" here.
std::string rfc2822(SystemTime time) {
  const std::time_t seconds = SystemTime::clock::to_time_t(time);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[40];
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S +0000", &parts)};
}

int code_of(int status) {
  switch (status) {
    case 401:
      return 20003;
    case 403:
      return 20403;
    case 404:
      return 20404;
    case 429:
      return 20429;
    case 503:
      return 20503;
    default:
      return 20001;
  }
}

http::Response refuse(const Trouble& trouble) {
  const int code = code_of(trouble.status);
  auto response = fresh_json(Json{{"code", code},
                                  {"message", trouble.status == 401 ? "Authenticate" : trouble.error.text()},
                                  {"more_info", "https://www.twilio.com/docs/errors/" + std::to_string(code)},
                                  {"status", trouble.status}}
                                 .dump(-1, ' ', false, Json::error_handler_t::replace),
                             trouble.status);
  if (trouble.status == 401) response.headers.emplace_back("WWW-Authenticate", "Basic realm=\"Turnkeeper\"");
  if (trouble.retry_after) response.headers.emplace_back("Retry-After", std::to_string(trouble.retry_after->count()));
  return response;
}

http::Response answer(const std::string& account, const IceConfig& config, SystemTime now) {
  Json servers = Json::array();
  for (const auto& server : config.servers) {
    for (const auto& url : server.urls) {
      Json entry{{"url", url}, {"urls", url}};
      if (!server.username.empty()) {
        entry["username"] = server.username;
        entry["credential"] = server.credential.reveal();
      }
      servers.push_back(std::move(entry));
    }
  }
  const auto best = best_credential(config);
  return fresh_json(Json{{"username", best.username},
                         {"password", best.password.reveal()},
                         {"ttl", std::to_string(seconds_left(config, now))},
                         {"account_sid", account},
                         {"ice_servers", std::move(servers)},
                         {"date_created", rfc2822(now)},
                         {"date_updated", rfc2822(now)}}
                        .dump(-1, ' ', false, Json::error_handler_t::replace),
                    201);
}

tl::expected<Ask, Trouble> read(const http::Request& request) {
  auto wanted = read_hints(request);
  if (!wanted) return tl::unexpected(wanted.error());
  const auto form = http::parse_form(request.body);
  if (!form) return tl::unexpected(Trouble{.error = form.error()});
  wanted->ttl = longest;
  for (const auto& [name, value] : *form) {
    if (name != "Ttl") continue;
    const auto ttl = read_seconds(value);
    if (!ttl)
      return tl::unexpected(Trouble{.error = {"Ttl is no positive number of seconds", "write for example 3600"}});
    wanted->ttl = std::min(*ttl, longest);
  }
  const std::string account = request.parameters.at("account");
  return Ask{.request = std::move(*wanted),
             .cluster_hint = account,
             .answer = [account](const IceConfig& config, SystemTime now) { return answer(account, config, now); }};
}

}  // namespace

Shape twilio_shape() {
  return {.api = "twilio",
          .method = "POST",
          .paths = {"/2010-04-01/Accounts/{account}/Tokens.json"},
          .key = basic_password,
          .read = read,
          .refuse = refuse};
}

}  // namespace turnkeeper::monitor
