// The kernel's word on the way to everywhere: default route, interface, gateway. By rtnetlink; no rights needed.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

namespace turnkeeper::monitor {

struct WayOut {
  enum class Neighbour {
    unknown,  // no entry, or one that is being made
    alive,    // was heard at some time; `confirmed_ago` says when
    dead,     // several requests were not answered
  };
  int interface = 0;
  bool interface_runs = false;  // it is up, and so is what it is plugged into
  std::optional<std::array<std::uint8_t, 16>>
      gateway;  // the first 4 bytes for IPv4; nothing: everything is on the link
  Neighbour neighbour = Neighbour::unknown;
  std::chrono::milliseconds confirmed_ago{0};
};

// `family`: AF_INET or AF_INET6. Nothing: there is no default route, or the kernel cannot be asked.
[[nodiscard]] std::optional<WayOut> find_way_out(int family);

}  // namespace turnkeeper::monitor
