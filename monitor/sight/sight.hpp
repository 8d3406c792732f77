// Looks around for blindness.hpp: is there still a way out of this machine, and does the default gateway live?
//
//   Sight sight(real_clock());
//   health.set_sight([&] { return sight.look(); });
//
// Needs no rights: the kernel is asked for the default route, its interface and the gateway's neighbour entry, and the
// gateway gets an empty datagram on a closed port, to which it either says so or at least shows that it is there. A
// gateway that died silently is known by the neighbour entry only, which takes the kernel up to a minute.
//
// One thread. Lives in the network namespace in which it was made.
#pragma once

#include <array>
#include <optional>

#include "monitor/sight/blindness.hpp"
#include "monitor/sight/way_out.hpp"
#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::monitor {

class Sight {
 public:
  explicit Sight(const Clock& clock);
  ~Sight();
  Sight(const Sight&) = delete;
  Sight& operator=(const Sight&) = delete;

  // Tens of microseconds, never waits: what the gateway answers to this look, the next one knows. Call it each 100 ms
  // or so while there is doubt.
  [[nodiscard]] Surroundings look();

 private:
  // Over IPv4 or IPv6.
  struct Family {
    int family = 0;
    bool had_way_out = false;
    bool unreachable = false;  // the kernel gave up sending to the gateway
    int question = -1;         // socket, connected to `asked`
    std::optional<WayOut> asked;
    std::optional<SteadyTime> asked_at;
    std::optional<SteadyTime> answered;
  };

  [[nodiscard]] static bool is_cut_off(const WayOut& way);
  void ask(Family& family, const WayOut& way);
  void hear(Family& family);
  void note(Family& family, int error);

  const Clock& clock_;
  std::array<Family, 2> families_;
};

}  // namespace turnkeeper::monitor
