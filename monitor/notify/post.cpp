#include "monitor/notify/post.hpp"

#include "turnkeeper/rest/send.hpp"

namespace turnkeeper::monitor {
namespace {

constexpr auto grace = std::chrono::seconds(2);
constexpr std::size_t most_quoted = 200;

Posted retry(std::string reason) {
  return {{Delivery::Result::retry, std::nullopt}, std::move(reason)};
}

// One line, printable, and without what must not be told.
std::string quoted(std::string text, const Secret& url) {
  const auto& secret = url.reveal();
  const auto scheme = secret.find("://");
  const auto path = secret.find('/', scheme == std::string::npos ? 0 : scheme + 3);
  if (path != std::string::npos && secret.size() - path > 1 && text.find(secret.substr(path)) != std::string::npos) {
    return {};
  }
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  if (text.size() > most_quoted) text.resize(most_quoted);
  return text;
}

bool is_temporary(int status) {
  return status == 408 || status == 425 || status == 429 || status >= 500;
}

}  // namespace

Posted post(const Receiver& receiver, const Payload& payload, Deadline deadline, std::stop_token stop) {
  rest::Request request{.method = "POST",
                        .url = receiver.url,
                        .content_type = payload.content_type,
                        .body = payload.body,
                        .ca_file = receiver.ca_file};
  if (!receiver.url_file.empty()) {
    auto read = Secret::from_file(receiver.url_file);
    if (!read) return retry(read.error().text());
    request.url = std::move(*read);
  }
  if (auto checked = check_receiver_url(request.url); !checked) return retry(checked.error().text());
  for (const auto& [name, value] : payload.headers) request.headers.emplace_back(name, Secret(value));
  for (const auto& [name, path] : receiver.header_files) {
    auto value = Secret::from_file(path);
    if (!value) return retry(value.error().text());
    request.headers.emplace_back(name, std::move(*value));
  }
  const auto response = rest::send(request, deadline, std::move(stop), grace);
  if (!response) return retry(quoted(response.error().message, request.url));
  if (response->status >= 200 && response->status < 300) return {};
  std::string reason = std::to_string(response->status) + " " + quoted(response->reason, request.url);
  if (!response->body.empty()) reason += ": " + quoted(response->body, request.url);
  const auto result = is_temporary(response->status) ? Delivery::Result::retry : Delivery::Result::refused;
  return {{result, response->retry_after}, std::move(reason)};
}

}  // namespace turnkeeper::monitor
