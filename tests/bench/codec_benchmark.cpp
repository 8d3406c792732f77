// What the sans-IO engine costs: reading, checking and writing messages, and a Client's whole part of one probe.
//
//   build/release/bench/codec_benchmark
#include <benchmark/benchmark.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <time.h>

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "turnkeeper/turn/channel_data.hpp"
#include "turnkeeper/turn/client.hpp"
#include "turnkeeper/turn/credentials.hpp"
#include "turnkeeper/turn/integrity.hpp"
#include "turnkeeper/turn/message.hpp"
#include "turnkeeper/turn/wire.hpp"

namespace turnkeeper::turn {
namespace {

using namespace std::chrono_literals;
using Datagram = std::vector<std::uint8_t>;

const Credential credential{.username = "1700086400:probe", .password = Secret("nbRcrnq5h6xXhyNhlwk+lDLvVVo=")};
const std::string realm = "turn.example.org";
const std::string nonce = "f7ca5b5b4a3c5d9e";
const SocketAddress relayed = *SocketAddress::parse("192.0.2.9:50000");
const SocketAddress mapped = *SocketAddress::parse("198.51.100.7:40000");

IntegrityKey make_key(IntegrityAlgorithm algorithm) {
  return IntegrityKey(long_term_key(credential.username, realm, credential.password).reveal(), algorithm);
}

// The attributes of coturn's answer.
Datagram allocate_success(const TransactionId& id, const IntegrityKey& key) {
  return MessageBuilder(Method::allocate, MessageClass::success, id)
      .address(AttributeType::xor_relayed_address, relayed)
      .address(AttributeType::xor_mapped_address, mapped)
      .lifetime(600s)
      .text(AttributeType::software, "None")
      .integrity(key)
      .finish();
}

void decode_and_verify(benchmark::State& state, IntegrityAlgorithm algorithm) {
  const auto key = make_key(algorithm);
  const auto datagram = allocate_success(random_transaction_id(), key);
  for (auto _ : state) {
    const auto message = Message::decode(datagram);
    const bool good = message && message->check_integrity(key) == Check::good;
    auto address = good ? message->address(AttributeType::xor_relayed_address) : std::nullopt;
    auto lifetime = message->lifetime();
    benchmark::DoNotOptimize(address);
    benchmark::DoNotOptimize(lifetime);
    if (!address) state.SkipWithError("not verified");
  }
}
BENCHMARK_CAPTURE(decode_and_verify, sha1, IntegrityAlgorithm::sha1);
BENCHMARK_CAPTURE(decode_and_verify, sha256, IntegrityAlgorithm::sha256);

// The same with what most programs do: HMAC() over a copy with the length put right, the key set up for each message.
void decode_and_verify_by_hmac_call(benchmark::State& state) {
  const auto secret = long_term_key(credential.username, realm, credential.password);
  const auto datagram = allocate_success(random_transaction_id(), make_key(IntegrityAlgorithm::sha1));
  for (auto _ : state) {
    const auto message = Message::decode(datagram);
    const auto sent = message->find(AttributeType::message_integrity);
    const auto at = static_cast<std::size_t>(sent->data() - datagram.data()) - 4;
    Datagram covered(datagram.begin(), datagram.begin() + static_cast<std::ptrdiff_t>(at));
    write_u16(covered, 2, static_cast<std::uint16_t>(at + 24 - header_size));
    std::uint8_t digest[20];
    unsigned size = sizeof digest;
    HMAC(EVP_sha1(), secret.reveal().data(), 16, covered.data(), covered.size(), digest, &size);
    if (CRYPTO_memcmp(digest, sent->data(), size) != 0) state.SkipWithError("not verified");
    auto address = message->address(AttributeType::xor_relayed_address);
    auto lifetime = message->lifetime();
    benchmark::DoNotOptimize(address);
    benchmark::DoNotOptimize(lifetime);
  }
}
BENCHMARK(decode_and_verify_by_hmac_call);

void encode_signed_allocate(benchmark::State& state) {
  const auto key = make_key(IntegrityAlgorithm::sha1);
  for (auto _ : state) {
    auto datagram = MessageBuilder(Method::allocate, MessageClass::request, random_transaction_id())
                        .requested_transport_udp()
                        .lifetime(600s)
                        .text(AttributeType::username, credential.username)
                        .text(AttributeType::realm, realm)
                        .text(AttributeType::nonce, nonce)
                        .integrity(key)
                        .finish();
    benchmark::DoNotOptimize(datagram);
  }
}
BENCHMARK(encode_signed_allocate);

// A relay's half of a probe, as cheap as it can be: its time does not count.
Datagram answer(Bytes request_bytes, const IntegrityKey& key) {
  const auto request = Message::decode(request_bytes);
  MessageBuilder success(request->method(), MessageClass::success, request->transaction_id());
  if (request->check_integrity(key) != Check::good) {
    return MessageBuilder(request->method(), MessageClass::error, request->transaction_id())
        .error_code(401, "Unauthorized")
        .text(AttributeType::realm, realm)
        .text(AttributeType::nonce, nonce)
        .finish();
  }
  switch (request->method()) {
    case Method::allocate:
      return allocate_success(request->transaction_id(), key);
    case Method::refresh:
      return success.lifetime(*request->lifetime()).integrity(key).finish();
    default:
      return success.integrity(key).finish();
  }
}

ClientConfig client_config() {
  return {.username = credential.username, .password = credential.password, .software = "turnkeeper"};
}

std::chrono::nanoseconds thread_cpu() {
  timespec spent{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  return std::chrono::seconds(spent.tv_sec) + std::chrono::nanoseconds(spent.tv_nsec);
}

// Allocate, 401, Allocate, ChannelBind, one echo, Refresh(0): the Client's CPU time, from its making to its end, in the
// column "Time". Many clients go in step, so that the clock is read between the steps of a batch rather than of one
// client.
void whole_probe(benchmark::State& state) {
  constexpr std::size_t batch = 256;
  const auto key = make_key(IntegrityAlgorithm::sha1);
  const SteadyTime now{1h};
  std::vector<std::optional<Client>> clients(batch);
  std::vector<Datagram> requests(batch);
  std::vector<Datagram> answers(batch);
  std::vector<std::uint8_t> echo(channel_header_size + 24);
  while (state.KeepRunningBatch(batch)) {
    std::chrono::nanoseconds spent{0};
    int released = 0;
    // One step of each client; then, off the clock, what the relay says to it.
    const auto step = [&](auto&& act) {
      const auto start = thread_cpu();
      for (std::size_t i = 0; i < batch; ++i) {
        act(i);
        while (const auto request = clients[i]->poll_transmit()) requests[i].assign(request->begin(), request->end());
        while (const auto event = clients[i]->poll_event()) released += std::holds_alternative<Released>(*event);
        auto next = clients[i]->next_timeout();
        benchmark::DoNotOptimize(next);
      }
      spent += thread_cpu() - start;
      for (std::size_t i = 0; i < batch; ++i) answers[i] = answer(requests[i], key);
    };
    const auto receive = [&](std::size_t i) { (void)clients[i]->receive(answers[i], now); };
    step([&](std::size_t i) {
      clients[i].emplace(client_config());
      clients[i]->allocate(now);
    });
    step(receive);
    step([&](std::size_t i) {
      receive(i);
      clients[i]->bind_channel(relayed, now);
    });
    step([&](std::size_t i) {
      receive(i);
      const auto frame = encode_channel_data(echo, first_channel, Bytes(echo).first(24));
      if (!clients[i]->receive(frame, now)) state.SkipWithError("no echo");
      clients[i]->release(now);
    });
    step([&](std::size_t i) {
      receive(i);
      if (i + 1 == batch && released + 1 < static_cast<int>(batch)) state.SkipWithError("not released");
    });
    const auto start = thread_cpu();
    for (auto& client : clients) client.reset();
    spent += thread_cpu() - start;
    state.SetIterationTime(std::chrono::duration<double>(spent).count());
  }
}
BENCHMARK(whole_probe)->UseManualTime();

void receive_echo(benchmark::State& state) {
  const auto key = make_key(IntegrityAlgorithm::sha1);
  const SteadyTime now{1h};
  Client client(client_config());
  client.allocate(now);
  const auto talk = [&] {
    while (const auto request = client.poll_transmit()) {
      const auto reply = answer(*request, key);
      (void)client.receive(reply, now);
    }
  };
  talk();
  const auto channel = client.bind_channel(relayed, now);
  talk();
  std::vector<std::uint8_t> frame(channel_header_size + 24);
  const std::vector<std::uint8_t> payload(24);
  for (auto _ : state) {
    const auto data = client.receive(encode_channel_data(frame, channel, payload), now);
    if (!data) state.SkipWithError("no data");
    benchmark::DoNotOptimize(data->payload.data());
  }
}
BENCHMARK(receive_echo);

}  // namespace
}  // namespace turnkeeper::turn

BENCHMARK_MAIN();
