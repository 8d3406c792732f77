#include "monitor/notify/receiver.hpp"

#include <array>

namespace turnkeeper::monitor {
namespace {

constexpr std::array<std::string_view, 3> types = {"generic", "slack", "ntfy"};

}  // namespace

std::string_view receiver_type_name(Receiver::Type type) {
  return types[static_cast<std::size_t>(type)];
}

Result<Receiver::Type> parse_receiver_type(std::string_view name) {
  for (std::size_t i = 0; i < types.size(); ++i) {
    if (types[i] == name) return static_cast<Receiver::Type>(i);
  }
  return fail("'" + std::string(name) + "' is no type of receiver", "use generic, slack or ntfy");
}

Result<> check_receiver_url(const Secret& url) {
  constexpr const char* advice = "write https://HOST/PATH, as the receiver's service shows it";
  std::string_view rest = url.reveal();
  if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return fail("the URL does not begin with https:// or http://", advice);
  }
  if (rest.empty() || rest.front() == '/' || rest.front() == ':') return fail("the URL names no host", advice);
  for (const char c : rest) {
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f) return fail("the URL holds a blank", advice);
  }
  return {};
}

}  // namespace turnkeeper::monitor
