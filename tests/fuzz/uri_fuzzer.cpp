// A text read as a URI and as an address: what is accepted survives being written and read again.
#include <string_view>

#include "require.hpp"
#include "turnkeeper/turn/socket_address.hpp"
#include "turnkeeper/turn/uri.hpp"

using namespace turnkeeper::turn;
using turnkeeper::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto uri = Uri::parse(text)) {
    const auto again = Uri::parse(uri->to_string());
    require(again && *again == *uri, "a URI survives its text");
    require(!uri->host.empty() && uri->port != 0, "a URI names a host, and a port that can be");
    (void)uri->protocol();
    (void)uri->default_port();
  } else {
    require(!uri.error().message.empty(), "an error says what is wrong");
  }
  if (const auto address = SocketAddress::parse(text)) {
    const auto again = SocketAddress::parse(address->to_string());
    require(again && *again == *address, "an address survives its text");
  }
  if (const auto address = SocketAddress::from_ip(text, 3478)) {
    const auto again = SocketAddress::from_ip(address->ip_string(), 3478);
    require(again && *again == *address, "an IP address survives its text");
  }
  return 0;
}
