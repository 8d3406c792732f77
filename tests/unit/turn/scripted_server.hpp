// A TURN server's half of the conversation, played by a test: answers the requests that a Client sends, honestly unless
// told otherwise.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "turnkeeper/turn/credentials.hpp"
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

  int stale_nonces = 0;                                  // how many authenticated requests get 438 and a new nonce
  std::map<Method, std::pair<int, std::string>> refuse;  // answer these with an error, when authenticated
  // The last word on an answer; nothing drops it.
  std::function<std::optional<Datagram>(const Message& request, Datagram answer)> tamper;

  bool allocated = false;
  std::vector<Method> authenticated_requests;

  [[nodiscard]] std::string key() const { return long_term_key(username, realm, password).reveal(); }

  [[nodiscard]] std::optional<Datagram> answer(Bytes request_bytes) {
    const auto request = Message::decode(request_bytes);
    if (!request) return std::nullopt;
    auto answer = honest_answer(*request);
    return tamper ? tamper(*request, std::move(answer)) : answer;
  }

  [[nodiscard]] Datagram error(const Message& request, int code, const std::string& reason, bool is_signed) const {
    MessageBuilder builder(request.method(), MessageClass::error, request.transaction_id());
    builder.error_code(code, reason);
    if (code == 401 || code == 438) builder.text(AttributeType::realm, realm).text(AttributeType::nonce, nonce);
    if (is_signed) builder.integrity(key());
    return builder.finish();
  }

 private:
  Datagram honest_answer(const Message& request) {
    MessageBuilder success(request.method(), MessageClass::success, request.transaction_id());
    if (request.method() == Method::binding) {
      return success.address(AttributeType::xor_mapped_address, *SocketAddress::parse("198.51.100.7:40000")).finish();
    }
    const auto integrity = request.check_integrity(key());
    if (integrity != Check::good || request.text(AttributeType::username) != username) {
      return error(request, 401, "Unauthorized", false);
    }
    if (request.text(AttributeType::nonce) != nonce) return error(request, 438, "Stale Nonce", false);
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
