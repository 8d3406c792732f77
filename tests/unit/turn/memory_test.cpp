// What a canary does ten times a second for each relay, and what strangers can make a client do, costs no memory.
#include <cstdlib>
#include <new>

#include "client_fixture.hpp"
#include "turnkeeper/turn/channel_data.hpp"

namespace {
thread_local long allocations = 0;
}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
// std::stable_sort's, which gives it back to the delete below.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace turnkeeper::turn {
namespace {

using ClientMemoryTest = ClientTest;

TEST_F(ClientMemoryTest, AnEchoCostsNoMemory) {
  allocate();
  const auto channel = client.bind_channel(server.relayed, clock.steady());
  exchange();
  const std::vector<std::uint8_t> payload(32);
  std::array<std::uint8_t, 64> frame{};
  int heard = 0;
  const auto before = allocations;
  for (int i = 0; i < 1000; ++i) {
    const auto sent = encode_channel_data(frame, channel, payload);
    heard += client.receive(sent, clock.steady()).has_value();
    client.on_time(clock.steady());
    while (client.poll_transmit()) heard = -1;
    while (client.poll_event()) heard = -1;
    if (!client.next_timeout()) heard = -1;
  }
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(heard, 1000);
}

TEST_F(ClientMemoryTest, AnswersToNothingCostNoMemory) {
  allocate();
  const auto old = last_answer;
  const auto before = allocations;
  for (int i = 0; i < 1000; ++i) (void)client.receive(old, clock.steady());
  EXPECT_EQ(allocations, before);
}

}  // namespace
}  // namespace turnkeeper::turn
