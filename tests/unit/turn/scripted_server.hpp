// A TURN server's half of the conversation, played by a test: answers the requests that a Client sends, honestly unless
// told otherwise.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "turnkeeper/base/encoding.hpp"
#include "turnkeeper/turn/credentials.hpp"
#include "turnkeeper/turn/integrity.hpp"
#include "turnkeeper/turn/message.hpp"

namespace turnkeeper::turn {

class ScriptedServer {
 public:
  using Datagram = std::vector<std::uint8_t>;

  std::string username = "1700086400:probe";
  std::string realm = "example.org";
  std::string nonce = "nonce-1";
  Secret password{"secret"};
  std::chrono::seconds lifetime{600};
  SocketAddress relayed = *SocketAddress::parse("192.0.2.9:50000");

  // RFC 8489: what the server offers, in its order, and whether it wants user names hidden. The nonce then says so too.
  std::vector<PasswordAlgorithm> algorithms;
  bool anonymous = false;
  // The second family of a dual allocation: an address, or the code it is refused with.
  std::optional<SocketAddress> relayed_ipv6;
  std::optional<int> ipv6_refused;

  int stale_nonces = 0;                                  // how many authenticated requests get 438 and a new nonce
  std::map<Method, std::pair<int, std::string>> refuse;  // answer these with an error, when authenticated
  // The last word on an answer; nothing drops it.
  std::function<std::optional<Datagram>(const Message& request, Datagram answer)> tamper;

  bool allocated = false;
  std::vector<Method> authenticated_requests;

  [[nodiscard]] IntegrityKey key() const {
    if (algorithms.empty()) {
      return IntegrityKey(long_term_key(username, realm, password).reveal(), IntegrityAlgorithm::sha1);
    }
    return IntegrityKey(long_term_key(username, realm, password, algorithms.front()).reveal(),
                        IntegrityAlgorithm::sha256);
  }

  [[nodiscard]] std::string full_nonce() const {
    if (algorithms.empty() && !anonymous) return nonce;
    const auto features = static_cast<char>((algorithms.empty() ? 0 : 0x80) | (anonymous ? 0x40 : 0));
    return "obMatJos2" + base64_encode(std::string{features, '\0', '\0'}) + nonce;
  }

  // The value of PASSWORD-ALGORITHMS.
  [[nodiscard]] Datagram algorithm_list() const {
    Datagram list;
    for (const auto algorithm : algorithms) list.insert(list.end(), {0, static_cast<std::uint8_t>(algorithm), 0, 0});
    return list;
  }

  [[nodiscard]] std::optional<Datagram> answer(Bytes request_bytes) {
    const auto request = Message::decode(request_bytes);
    if (!request) return std::nullopt;
    auto answer = honest_answer(*request);
    return tamper ? tamper(*request, std::move(answer)) : answer;
  }

  [[nodiscard]] Datagram error(const Message& request, int code, const std::string& reason, bool is_signed) const {
    MessageBuilder builder(request.method(), MessageClass::error, request.transaction_id());
    builder.error_code(code, reason);
    if (code == 401 || code == 438) {
      builder.text(AttributeType::realm, realm).text(AttributeType::nonce, full_nonce());
      if (!algorithms.empty()) builder.bytes(AttributeType::password_algorithms, algorithm_list());
    }
    if (is_signed) builder.integrity(key());
    return builder.finish();
  }

 private:
  [[nodiscard]] bool names_the_user(const Message& request) const {
    if (!anonymous) return request.text(AttributeType::username) == username;
    const auto hash = request.find(AttributeType::userhash);
    return hash && std::ranges::equal(*hash, user_hash(username, realm)) && !request.find(AttributeType::username);
  }

  Datagram honest_answer(const Message& request) {
    MessageBuilder success(request.method(), MessageClass::success, request.transaction_id());
    if (request.method() == Method::binding) {
      return success.address(AttributeType::xor_mapped_address, *SocketAddress::parse("198.51.100.7:40000")).finish();
    }
    if (request.check_integrity(key()) != Check::good || !names_the_user(request)) {
      return error(request, 401, "Unauthorized", false);
    }
    // RFC 8489 section 9.2.4: what reached the client must be what was sent.
    const auto offered = request.find(AttributeType::password_algorithms);
    if (!algorithms.empty() && (!offered || !std::ranges::equal(*offered, algorithm_list()))) {
      return error(request, 400, "Bad Request", false);
    }
    if (request.text(AttributeType::nonce) != full_nonce()) return error(request, 438, "Stale Nonce", false);
    authenticated_requests.push_back(request.method());
    if (stale_nonces > 0) {
      --stale_nonces;
      nonce += "+";
      return error(request, 438, "Stale Nonce", false);
    }
    if (const auto no = refuse.find(request.method()); no != refuse.end()) {
      return error(request, no->second.first, no->second.second, true);
    }
    switch (request.method()) {
      case Method::allocate:
        allocated = true;
        success.address(AttributeType::xor_relayed_address, relayed)
            .address(AttributeType::xor_mapped_address, *SocketAddress::parse("198.51.100.7:40000"))
            .lifetime(lifetime);
        if (request.find(AttributeType::additional_address_family)) {
          if (relayed_ipv6) success.address(AttributeType::xor_relayed_address, *relayed_ipv6);
          if (ipv6_refused) success.address_error_code(SocketAddress::Family::ipv6, *ipv6_refused, "No");
        }
        break;
      case Method::refresh:
        if (!allocated) return error(request, 437, "Invalid allocation", true);
        if (request.lifetime() == std::chrono::seconds(0)) allocated = false;
        success.lifetime(allocated ? lifetime : std::chrono::seconds(0));
        break;
      default:
        break;
    }
    return success.integrity(key()).finish();
  }
};

}  // namespace turnkeeper::turn
