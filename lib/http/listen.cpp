#include "turnkeeper/http/listen.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <charconv>
#include <cstring>

#include "turnkeeper/http/check.hpp"

namespace turnkeeper::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

Result<asio::ip::tcp::endpoint> parse_endpoint(const std::string& address) {
  const auto malformed = [&](const std::string& why) {
    return fail("cannot listen on " + address + ": " + why,
                "give HOST:PORT with a numeric address, such as 127.0.0.1:8480 or [::1]:8480, or *:PORT for all");
  };
  const auto colon = address.rfind(':');
  if (colon == std::string::npos) return malformed("there is no port");
  std::string host = address.substr(0, colon);
  const std::string digits = address.substr(colon + 1);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string::npos) {
    return malformed("an IPv6 address stands in brackets");
  }
  if (host == "localhost") host = "127.0.0.1";
  std::uint16_t port = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || failure != std::errc() || end != digits.data() + digits.size()) {
    return malformed("\"" + digits + "\" is no port");
  }
  error_code error;
  const auto ip = asio::ip::make_address(host, error);
  if (error) return malformed("\"" + host + "\" is no address");
  return asio::ip::tcp::endpoint(ip, port);
}

std::string advice_for(const error_code& error, bool tcp) {
  if (error == asio::error::address_in_use) {
    return tcp ? "stop the program that holds it (`ss -ltnp` shows which), or choose another port"
               : "stop the program that listens there";
  }
  if (error == asio::error::access_denied) {
    return tcp ? "choose a port of 1024 or above" : "choose a directory that you may write to";
  }
  if (error == boost::system::errc::address_not_available) {
    return "give an address of this machine (`ip address` shows them), or *:PORT for all";
  }
  if (error == boost::system::errc::no_such_file_or_directory) return "make its directory first";
  return "";
}

// Somebody answers there. A socket file that nobody listens on is what a killed process leaves behind.
bool is_alive(asio::io_context& io, const std::string& path) {
  asio::local::stream_protocol::socket probe(io);
  error_code error;
  probe.connect(asio::local::stream_protocol::endpoint(path), error);
  return !error;
}

error_code open_acceptor(Acceptor& acceptor, const StreamProtocol::endpoint& endpoint, const std::string& unix_path) {
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error && endpoint.protocol().family() == AF_INET6) acceptor.set_option(asio::ip::v6_only(false), error);
  if (!error && unix_path.empty()) acceptor.set_option(Acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  // Before listen(): nobody can connect until the mode is right.
  if (!error && !unix_path.empty() && ::chmod(unix_path.c_str(), 0600) != 0) {
    error.assign(errno, boost::system::system_category());
  }
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (!error) acceptor.native_non_blocking(true, error);
  return error;
}

Result<void> check_unix_path(const std::string& path) {
  if (!path.empty() && path.size() < sizeof(sockaddr_un::sun_path)) return {};
  return fail("cannot listen on unix:" + path + ": the path is empty or longer than 107 bytes",
              "choose a shorter directory");
}

Result<Listener> listen_unix(asio::io_context& io, const std::string& path) {
  const std::string address = "unix:" + path;
  if (auto sound = check_unix_path(path); !sound) return fail(sound.error());
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode) && !is_alive(io, path)) ::unlink(path.c_str());
  Listener listener{Acceptor(io), address, 0, path};
  if (const auto error = open_acceptor(listener.acceptor, asio::local::stream_protocol::endpoint(path), path)) {
    return fail("cannot listen on " + address + ": " + error.message(), advice_for(error, false));
  }
  return listener;
}

asio::ip::tcp::endpoint tcp_endpoint(const StreamProtocol::endpoint& generic) {
  asio::ip::tcp::endpoint endpoint;
  if (generic.size() > endpoint.capacity()) return endpoint;
  std::memcpy(endpoint.data(), generic.data(), generic.size());
  endpoint.resize(generic.size());
  return endpoint;
}

std::string to_text(const asio::ip::tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  return (endpoint.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(endpoint.port());
}

}  // namespace

Result<void> check_listen_address(const std::string& address) {
  if (address.starts_with("unix:")) return check_unix_path(address.substr(5));
  const auto endpoint = parse_endpoint(address.starts_with("*:") ? "0.0.0.0" + address.substr(1) : address);
  if (!endpoint) return fail(endpoint.error());
  return {};
}

Result<Listener> open_listener(asio::io_context& io, const std::string& address) {
  if (address.starts_with("unix:")) return listen_unix(io, address.substr(5));
  if (address.starts_with("*:")) {
    // Without IPv6 on the machine, IPv4 is all there is. An occupied port is one in either family.
    auto both = open_listener(io, "[::]" + address.substr(1));
    return both ? std::move(both) : open_listener(io, "0.0.0.0" + address.substr(1));
  }
  const auto endpoint = parse_endpoint(address);
  if (!endpoint) return fail(endpoint.error());
  Listener listener{Acceptor(io), address, 0, ""};
  if (const auto error = open_acceptor(listener.acceptor, *endpoint, "")) {
    return fail("cannot listen on " + to_text(*endpoint) + ": " + error.message(), advice_for(error, true));
  }
  const auto bound = tcp_endpoint(listener.acceptor.local_endpoint());
  listener.address = to_text(bound);
  listener.port = bound.port();
  return listener;
}

Peer describe_peer(const StreamProtocol::endpoint& endpoint) {
  const int family = endpoint.protocol().family();
  if (family != AF_INET && family != AF_INET6) return {"unix", "unix", true};
  const auto tcp = tcp_endpoint(endpoint);
  const auto ip = tcp.address();
  const bool mapped = ip.is_v6() && ip.to_v6().is_v4_mapped();
  const bool loopback =
      mapped ? asio::ip::make_address_v4(asio::ip::v4_mapped, ip.to_v6()).is_loopback() : ip.is_loopback();
  return {to_text(tcp), ip.to_string(), loopback};
}

}  // namespace turnkeeper::http
