// What a Client sends: its requests, and the credentials that a server's challenge asks for in them.
#include "turnkeeper/turn/client.hpp"
#include "turnkeeper/turn/credentials.hpp"

namespace turnkeeper::turn {

namespace {
using namespace std::chrono_literals;
}

Method Client::method_of(Operation operation) {
  switch (operation) {
    case Operation::binding:
      return Method::binding;
    case Operation::allocate:
      return Method::allocate;
    case Operation::channel_bind:
      return Method::channel_bind;
    case Operation::refresh:
    case Operation::release:
      return Method::refresh;
  }
  return Method::binding;
}

Result<> Client::take_challenge(const Message& message) {
  auto challenge = read_challenge(message);
  if (!challenge) return turnkeeper::fail(challenge.error());
  const bool known = !key_.empty();
  if (known && uses_sha256() && challenge->algorithms.empty()) {
    // A later challenge need not repeat what the first one offered, and cannot take it back.
    challenge->algorithms = challenge_.algorithms;
    challenge->algorithm = challenge_.algorithm;
  }
  challenge->anonymous = challenge->anonymous || challenge_.anonymous;
  if (known && challenge_.algorithm == PasswordAlgorithm::sha256 && challenge->algorithm == PasswordAlgorithm::md5) {
    return turnkeeper::fail("the server offers weaker password algorithms than before");
  }
  const bool same_key = known && challenge->realm == challenge_.realm && challenge->algorithm == challenge_.algorithm &&
                        challenge->integrity() == challenge_.integrity();
  challenge_ = std::move(*challenge);
  if (!same_key) {
    const auto key = long_term_key(config_.username, challenge_.realm, config_.password, challenge_.algorithm);
    key_ = IntegrityKey(key.reveal(), challenge_.integrity());
  }
  return {};
}

void Client::start(Operation operation, SteadyTime now, std::uint16_t channel) {
  Pending pending{.operation = operation, .transaction = Transaction({}, {}, {}, now), .channel = channel};
  send(std::move(pending), now);
}

void Client::send(Pending pending, SteadyTime now) {
  const auto id = random_transaction_id();
  pending.authenticated = !key_.empty() && pending.operation != Operation::binding;
  if (pending.authenticated && pending.operation == Operation::allocate) may_be_allocated_ = true;
  pending.transaction = Transaction(config_.retransmission, id, encode(pending.operation, id, pending.channel), now);
  pending_.push_back(std::move(pending));
  on_time(now);
}

std::vector<std::uint8_t> Client::encode(Operation operation, const TransactionId& id, std::uint16_t channel) const {
  MessageBuilder builder(method_of(operation), MessageClass::request, id);
  if (!config_.software.empty()) builder.text(AttributeType::software, config_.software);
  switch (operation) {
    case Operation::binding:
      return builder.finish();
    case Operation::allocate:
      builder.requested_transport_udp().lifetime(config_.lifetime);
      if (config_.dual) {
        // Each server knows one of the two numbers and ignores the other.
        builder.address_family(AttributeType::additional_address_family, SocketAddress::Family::ipv6)
            .address_family(AttributeType::draft_additional_address_family, SocketAddress::Family::ipv6);
      } else if (config_.address_family) {
        builder.address_family(AttributeType::requested_address_family, *config_.address_family);
      }
      break;
    case Operation::refresh:
      builder.lifetime(config_.lifetime);
      break;
    case Operation::release:
      builder.lifetime(0s);
      break;
    case Operation::channel_bind:
      for (const auto& bound : channels_) {
        if (bound.number == channel) {
          builder.channel_number(channel).address(AttributeType::xor_peer_address, bound.peer);
        }
      }
      break;
  }
  if (!key_.empty()) {
    if (challenge_.anonymous) {
      builder.bytes(AttributeType::userhash, user_hash(config_.username, challenge_.realm));
    } else {
      builder.text(AttributeType::username, config_.username);
    }
    builder.text(AttributeType::realm, challenge_.realm).text(AttributeType::nonce, challenge_.nonce);
    if (uses_sha256()) {
      builder.bytes(AttributeType::password_algorithms, challenge_.algorithms)
          .password_algorithm(static_cast<std::uint16_t>(challenge_.algorithm));
    }
    builder.integrity(key_);
  }
  return builder.finish();
}

}  // namespace turnkeeper::turn
