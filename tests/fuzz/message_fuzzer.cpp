// A datagram read as a STUN message: nothing that an accessor returns lies outside it, and what is built from the parts
// reads the same.
#include <algorithm>

#include "require.hpp"
#include "turnkeeper/turn/challenge.hpp"
#include "turnkeeper/turn/message.hpp"

using namespace turnkeeper::turn;
using turnkeeper::fuzz::require;

namespace {

bool holds_address(AttributeType type) {
  return type == AttributeType::mapped_address || type == AttributeType::xor_mapped_address ||
         type == AttributeType::xor_relayed_address || type == AttributeType::xor_peer_address ||
         type == AttributeType::alternate_server;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes datagram(data, size);
  const auto message = Message::decode(datagram);
  if (!message) {
    require(!message.error().message.empty(), "an error says what is wrong");
    return 0;
  }
  const auto inside = [&](Bytes part) {
    require(part.empty() || (part.data() >= data && part.data() + part.size() <= data + size),
            "an attribute lies inside the datagram");
  };
  MessageBuilder copy(message->method(), message->message_class(), message->transaction_id());
  for (unsigned type = 0; type <= 0xFFFF; type = type == 0x40 ? 0x7FF0 : type == 0x8040 ? 0xFFF0 : type + 1) {
    const auto attribute = static_cast<AttributeType>(type);
    const auto value = message->find(attribute);
    if (!value) {
      require(!message->find(attribute, 1), "a second attribute has a first");
      continue;
    }
    inside(*value);
    (void)message->text(attribute);
    const auto address = message->address(attribute);
    if (address) {
      const auto parsed = SocketAddress::parse(address->to_string());
      require(parsed && *parsed == *address, "an address survives its text");
    }
    if (attribute == AttributeType::message_integrity || attribute == AttributeType::message_integrity_sha256 ||
        attribute == AttributeType::fingerprint) {
      continue;  // written anew below
    }
    // Any bytes may look like an address; written as one they would lose the octet that RFC 8489 leaves unused.
    if (address && holds_address(attribute)) {
      copy.address(attribute, *address);
    } else {
      copy.bytes(attribute, *value);
    }
  }
  for (const auto& error : {message->error_code(), message->address_error_code()}) {
    if (!error) continue;
    require(error->code >= 300 && error->code <= 699, "an error code is one");
    inside({reinterpret_cast<const std::uint8_t*>(error->reason.data()), error->reason.size()});
  }
  (void)message->lifetime();
  (void)message->channel_number();
  (void)message->check_fingerprint();
  for (const auto algorithm : {IntegrityAlgorithm::sha1, IntegrityAlgorithm::sha256}) {
    require(message->check_integrity(IntegrityKey("nobody's key", algorithm)) != Check::good, "nobody can sign");
  }
  if (const auto challenge = read_challenge(*message)) {
    require(!challenge->realm.empty() && challenge->realm.size() <= 763 && !challenge->nonce.empty() &&
                challenge->nonce.size() <= 763 && challenge->algorithms.size() <= 256,
            "a challenge is bounded");
  }
  const IntegrityKey key("a key", IntegrityAlgorithm::sha1);
  const auto bytes = copy.integrity(key).fingerprint().finish();
  const auto again = Message::decode(bytes);
  require(again.has_value(), "what is built can be read");
  require(again->check_integrity(key) == Check::good && again->check_fingerprint() == Check::good,
          "what is built is intact");
  require(again->method() == message->method() && again->message_class() == message->message_class() &&
              again->transaction_id() == message->transaction_id(),
          "what is built has the same header");
  require(again->address(AttributeType::xor_relayed_address) == message->address(AttributeType::xor_relayed_address) &&
              again->text(AttributeType::realm) == message->text(AttributeType::realm) &&
              again->lifetime() == message->lifetime(),
          "what is built says the same");
  return 0;
}
