// A Client driven by an input: calls, time, honest answers, damaged ones, and answers of a relay that knows the
// password and says what it likes. An input is one byte of settings, then commands (struct Run says which).
#include <algorithm>
#include <deque>
#include <optional>
#include <vector>

#include "../unit/turn/scripted_server.hpp"
#include "require.hpp"
#include "turnkeeper/turn/channel_data.hpp"
#include "turnkeeper/turn/client.hpp"
#include "turnkeeper/turn/wire.hpp"

using namespace turnkeeper;
using namespace turnkeeper::turn;
using namespace std::chrono_literals;
using fuzz::require;
using Datagram = std::vector<std::uint8_t>;

namespace {

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : rest_(data, size) {}
  [[nodiscard]] bool empty() const { return rest_.empty(); }
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto value = rest_.front();
    rest_ = rest_.subspan(1);
    return value;
  }
  // A length in one byte, then as much of that as there is.
  Bytes bytes() {
    const auto size = std::min<std::size_t>(byte(), rest_.size());
    const auto value = rest_.first(size);
    rest_ = rest_.subspan(size);
    return value;
  }

 private:
  Bytes rest_;
};

ClientConfig config_of(std::uint8_t settings) {
  ClientConfig config;
  if ((settings & 1) == 0) config.username = "1700086400:probe";
  config.password = Secret("secret");
  config.software = "fuzzer";
  config.reliable = (settings & 2) != 0;
  config.dual = (settings & 4) != 0;
  if ((settings & 8) != 0) config.address_family = SocketAddress::Family::ipv6;
  return config;
}

struct Run {
  Run(Input input_in, std::uint8_t settings) : input(input_in), client(config_of(settings)) {
    if ((settings & 16) != 0) server.algorithms = {PasswordAlgorithm::sha256, PasswordAlgorithm::md5};
    server.anonymous = (settings & 32) != 0;
    if ((settings & 64) != 0) server.relayed_ipv6 = *SocketAddress::parse("[2001:db8::9]:50001");
  }

  void all() {
    while (!input.empty()) {
      const auto command = input.byte() % 12;
      obey(command);
      const auto sent = settle();
      // What a relay says must not keep the conversation going: a challenge and a stale nonce for each thing asked for.
      if (command >= first_answer) {
        require(sent <= 1, "at most one request for each answer");
        prompted += sent;
      } else {
        unprompted += sent;
      }
      require(prompted <= 2 * unprompted, "answers do not keep the conversation going");
    }
    end();
  }

  static constexpr int first_answer = 7;
  void obey(int command) {
    switch (command) {
      case 0:
        return client.allocate(now);
      case 1:
        if (client.bind_channel(server.relayed, now) != 0) ++channels;
        return;
      case 2:
        return client.binding(now);
      case 3:
        return client.refresh(now);
      case 4:
        return client.release(now);
      case 5: {  // time, up to seventeen minutes
        const auto high = input.byte();
        now += 16ms * (high << 8 | input.byte());
        return on_time();
      }
      case 6:  // the client's own time
        now = std::max(now, client.next_timeout().value_or(now));
        return on_time();
      case 7:  // an honest answer
        if (!requests.empty()) deliver(server.answer(requests.back()));
        return;
      case 8: {  // any attributes, with a true transaction id and perhaps a true signature
        const auto how = input.byte();
        const auto attributes = input.bytes();
        if (!requests.empty()) deliver(crafted(how, attributes));
        return;
      }
      case 9: {  // anything
        const auto bytes = input.bytes();
        return deliver(Datagram(bytes.begin(), bytes.end()));
      }
      case 10: {  // an honest answer with a changed byte
        const auto at = input.byte();
        const auto change = input.byte();
        if (requests.empty()) return;
        auto answer = server.answer(requests.back());
        if (answer) (*answer)[at % answer->size()] ^= change;
        return deliver(answer);
      }
      default:  // an old answer again
        return deliver(last_answer);
    }
  }

  [[nodiscard]] Datagram crafted(std::uint8_t how, Bytes attributes) const {
    const auto request = Message::decode(requests[how / 4 % requests.size()]);
    const auto message_class = (how & 1) != 0 ? MessageClass::error : MessageClass::success;
    auto answer = MessageBuilder(request->method(), message_class, request->transaction_id()).finish();
    answer.insert(answer.end(), attributes.begin(), attributes.end());
    answer.resize((answer.size() + 3) / 4 * 4);
    if ((how & 2) != 0) {
      const auto realm = request->text(AttributeType::realm).value_or("");
      const auto algorithm = request->find(AttributeType::password_algorithm);
      const bool sha256 = algorithm && read_u16(*algorithm, 0) == 2;
      const auto key = long_term_key("1700086400:probe", realm, Secret("secret"),
                                     sha256 ? PasswordAlgorithm::sha256 : PasswordAlgorithm::md5);
      const IntegrityKey integrity(key.reveal(), algorithm ? IntegrityAlgorithm::sha256 : IntegrityAlgorithm::sha1);
      const auto total = answer.size() + 4 + integrity.size();
      write_u16(answer, 2, static_cast<std::uint16_t>(total - header_size));
      const auto digest = integrity.digest(answer, {});
      const auto type = algorithm ? AttributeType::message_integrity_sha256 : AttributeType::message_integrity;
      const auto at = answer.size();
      answer.resize(total);
      write_u16(answer, at, static_cast<std::uint16_t>(type));
      write_u16(answer, at + 2, static_cast<std::uint16_t>(integrity.size()));
      std::copy_n(digest.begin(), integrity.size(), answer.begin() + static_cast<std::ptrdiff_t>(at) + 4);
    }
    write_u16(answer, 2, static_cast<std::uint16_t>(answer.size() - header_size));
    return answer;
  }

  void deliver(const std::optional<Datagram>& answer) {
    if (!answer) return;
    // A buffer of exactly its size, so that a read past the end is seen.
    const auto exact = std::make_unique<std::uint8_t[]>(answer->size());
    std::copy(answer->begin(), answer->end(), exact.get());
    const auto data = client.receive({exact.get(), answer->size()}, now);
    require(!data || (data->channel >= first_channel && data->channel < first_channel + channels),
            "data comes only on channels that were asked for");
    last_answer = *answer;
  }

  void on_time() {
    client.on_time(now);
    const auto next = client.next_timeout();
    require(!next || *next > now, "after on_time() there is nothing left to do now");
  }

  std::size_t settle() {
    std::size_t sent = 0;
    while (const auto request = client.poll_transmit()) {
      require(++sent <= channels + 4, "no more requests than things to ask for");
      require(request->size() < 4096, "a request is bounded");
      const auto message = Message::decode(*request);
      require(message && message->message_class() == MessageClass::request, "what is sent is a request");
      requests.emplace_back(request->begin(), request->end());
      if (requests.size() > 16) requests.pop_front();
    }
    std::size_t told = 0;
    while (const auto event = client.poll_event()) {
      require(++told <= 2 * channels + 8, "no more events than things to tell");
      if (const auto* failure = std::get_if<Failure>(&*event)) {
        require(failure->reason.size() <= 128, "a reason is bounded");
        released = released || failure->operation == Operation::release;
      }
      if (const auto* allocated = std::get_if<Allocated>(&*event)) {
        require(allocated->relayed.port() != 0 && allocated->lifetime > 0s, "an allocation can be used");
      }
      released = released || std::holds_alternative<Released>(*event);
    }
    return sent;
  }

  // Whatever came before: a release ends, by silence if need be.
  void end() {
    client.release(now);
    settle();
    for (int i = 0; client.next_timeout(); ++i) {
      require(i < 32, "a release ends");
      now = std::max(now, *client.next_timeout());
      on_time();
      settle();
    }
    require(released, "a release tells its end");
    require(!client.needs_release() && !client.allocated(), "nothing is left to release");
  }

  Input input;
  Client client;
  ScriptedServer server;
  SteadyTime now{24h};
  std::deque<Datagram> requests;  // the last that were sent
  std::optional<Datagram> last_answer;
  std::size_t channels = 0;
  std::size_t unprompted = 0;  // requests sent because of a call or of time
  std::size_t prompted = 0;    // requests sent because of an answer
  bool released = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const auto settings = input.byte();
  Run(input, settings).all();
  return 0;
}
