#include "monitor/sight/sight.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace turnkeeper::monitor {
namespace {

constexpr std::uint16_t discard_port = 9;

int open_question(int family, const WayOut& way) {
  const int question = ::socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (question < 0) return -1;
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(discard_port);
  std::memcpy(&v4.sin_addr, way.gateway->data(), sizeof v4.sin_addr);
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(discard_port);
  v6.sin6_scope_id = static_cast<std::uint32_t>(way.interface);  // most gateways have a link-local address
  std::memcpy(&v6.sin6_addr, way.gateway->data(), sizeof v6.sin6_addr);
  const auto* address = family == AF_INET ? reinterpret_cast<sockaddr*>(&v4) : reinterpret_cast<sockaddr*>(&v6);
  if (::connect(question, address, family == AF_INET ? sizeof v4 : sizeof v6) == 0) return question;
  ::close(question);
  return -1;
}

}  // namespace

Sight::Sight(const Clock& clock) : clock_(clock) {
  families_[0].family = AF_INET;
  families_[1].family = AF_INET6;
  for (auto& family : families_) {
    const auto way = find_way_out(family.family);
    family.had_way_out = way && way->interface_runs;
  }
}

Sight::~Sight() {
  for (const auto& family : families_) {
    if (family.question >= 0) ::close(family.question);
  }
}

Surroundings Sight::look() {
  Surroundings surroundings;
  bool had = false;
  bool has = false;
  for (auto& family : families_) {
    const auto way = find_way_out(family.family);
    hear(family);
    if (way && way->gateway) ask(family, *way);
    if (way && way->neighbour == WayOut::Neighbour::alive) {
      const auto confirmed = clock_.steady() - way->confirmed_ago;
      family.answered = std::max(confirmed, family.answered.value_or(confirmed));
    }
    if (family.answered) {
      surroundings.gateway_answered =
          std::max(*family.answered, surroundings.gateway_answered.value_or(*family.answered));
    }
    const bool out = way && !is_cut_off(*way) && !family.unreachable;
    family.had_way_out = family.had_way_out || out;
    had = had || family.had_way_out;
    has = has || out;
  }
  surroundings.cut_off = had && !has;
  return surroundings;
}

bool Sight::is_cut_off(const WayOut& way) {
  return !way.interface_runs || way.neighbour == WayOut::Neighbour::dead;
}

void Sight::ask(Family& family, const WayOut& way) {
  const bool same = family.asked && family.asked->gateway == way.gateway && family.asked->interface == way.interface;
  if (!same) {
    if (family.question >= 0) ::close(family.question);
    family.question = open_question(family.family, way);
    family.asked = way;
    family.unreachable = false;
  }
  if (way.neighbour == WayOut::Neighbour::alive) family.unreachable = false;
  if (family.question < 0) return;
  if (::send(family.question, nullptr, 0, MSG_NOSIGNAL) < 0) note(family, errno);
  family.asked_at = clock_.steady();
}

void Sight::hear(Family& family) {
  if (family.question < 0 || !family.asked_at) return;
  std::array<char, 1> ignored{};
  note(family, ::recv(family.question, ignored.data(), ignored.size(), 0) >= 0 ? 0 : errno);
}

// What came back may have waited in the socket since long ago, so it proves no more than the time of the question.
void Sight::note(Family& family, int error) {
  if (error == 0 || error == ECONNREFUSED) {
    if (family.asked_at) family.answered = std::max(*family.asked_at, family.answered.value_or(*family.asked_at));
    family.unreachable = false;
  } else if (error == EHOSTUNREACH || error == ENETUNREACH || error == ENETDOWN) {
    family.unreachable = true;
  }
}

}  // namespace turnkeeper::monitor
