#include "monitor/sight/way_out.hpp"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <span>
#include <vector>

namespace turnkeeper::monitor {
namespace {

// An address that nobody has (RFC 5737, RFC 3849): where a packet to it would go, any packet would.
constexpr std::array<std::uint8_t, 16> somewhere_v4{192, 0, 2, 1};
constexpr std::array<std::uint8_t, 16> somewhere_v6{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

std::size_t address_size(int family) {
  return family == AF_INET ? 4 : 16;
}

// One question to rtnetlink, one answer.
class Question {
 public:
  template <class Header>
  Question(std::uint16_t type, const Header& header) : message_(NLMSG_LENGTH(sizeof header)) {
    nlmsghdr top{};
    top.nlmsg_type = type;
    top.nlmsg_flags = NLM_F_REQUEST;
    std::memcpy(message_.data(), &top, sizeof top);
    std::memcpy(message_.data() + NLMSG_HDRLEN, &header, sizeof header);
  }

  Question& with(std::uint16_t type, std::span<const std::uint8_t> value) {
    message_.resize(NLMSG_ALIGN(message_.size()));
    rtattr attribute{};
    attribute.rta_len = static_cast<std::uint16_t>(RTA_LENGTH(value.size()));
    attribute.rta_type = type;
    const auto at = message_.size();
    message_.resize(at + RTA_SPACE(value.size()));
    std::memcpy(message_.data() + at, &attribute, sizeof attribute);
    std::memcpy(message_.data() + at + RTA_LENGTH(0), value.data(), value.size());
    return *this;
  }

  // Empty: refused. The kernel answers within the call to send().
  std::vector<std::uint8_t> ask(std::uint16_t expected) {
    const auto size = static_cast<std::uint32_t>(message_.size());
    std::memcpy(message_.data(), &size, sizeof size);  // nlmsg_len is its first field
    const int socket = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (socket < 0) return {};
    std::vector<std::uint8_t> answer(16384);
    ssize_t received = -1;
    if (::send(socket, message_.data(), message_.size(), 0) == static_cast<ssize_t>(message_.size())) {
      received = ::recv(socket, answer.data(), answer.size(), 0);
    }
    ::close(socket);
    nlmsghdr top{};
    if (received < static_cast<ssize_t>(sizeof top)) return {};
    std::memcpy(&top, answer.data(), sizeof top);
    if (top.nlmsg_type != expected || top.nlmsg_len > static_cast<std::size_t>(received)) return {};
    answer.resize(top.nlmsg_len);
    return answer;
  }

 private:
  std::vector<std::uint8_t> message_;
};

template <class Header>
Header header_of(const std::vector<std::uint8_t>& answer) {
  Header header{};
  if (answer.size() >= NLMSG_HDRLEN + sizeof header) std::memcpy(&header, answer.data() + NLMSG_HDRLEN, sizeof header);
  return header;
}

template <class Header>
std::span<const std::uint8_t> attribute_of(const std::vector<std::uint8_t>& answer, std::uint16_t type) {
  auto at = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(Header));
  while (at + sizeof(rtattr) <= answer.size()) {
    rtattr attribute{};
    std::memcpy(&attribute, answer.data() + at, sizeof attribute);
    if (attribute.rta_len < RTA_LENGTH(0) || at + attribute.rta_len > answer.size()) break;
    if (attribute.rta_type == type) return {answer.data() + at + RTA_LENGTH(0), attribute.rta_len - RTA_LENGTH(0)};
    at += RTA_ALIGN(attribute.rta_len);
  }
  return {};
}

void look_at_gateway(WayOut& way, int family) {
  ndmsg header{};
  header.ndm_family = static_cast<std::uint8_t>(family);
  header.ndm_ifindex = way.interface;
  const auto answer = Question(RTM_GETNEIGH, header)
                          .with(NDA_DST, std::span(*way.gateway).first(address_size(family)))
                          .ask(RTM_NEWNEIGH);
  if (answer.empty()) return;
  const auto state = header_of<ndmsg>(answer).ndm_state;
  if (state & NUD_FAILED) way.neighbour = WayOut::Neighbour::dead;
  if (!(state & (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE))) return;
  const auto cache = attribute_of<ndmsg>(answer, NDA_CACHEINFO);
  nda_cacheinfo info{};
  if (cache.size() < sizeof info) return;
  std::memcpy(&info, cache.data(), sizeof info);
  way.neighbour = WayOut::Neighbour::alive;
  way.confirmed_ago = std::chrono::milliseconds(std::int64_t{info.ndm_confirmed} * 1000 / ::sysconf(_SC_CLK_TCK));
}

}  // namespace

std::optional<WayOut> find_way_out(int family) {
  rtmsg header{};
  header.rtm_family = static_cast<std::uint8_t>(family);
  header.rtm_dst_len = static_cast<std::uint8_t>(8 * address_size(family));
  const auto& somewhere = family == AF_INET ? somewhere_v4 : somewhere_v6;
  const auto route =
      Question(RTM_GETROUTE, header).with(RTA_DST, std::span(somewhere).first(address_size(family))).ask(RTM_NEWROUTE);
  const auto interface = attribute_of<rtmsg>(route, RTA_OIF);
  if (interface.size() != sizeof(int) || header_of<rtmsg>(route).rtm_type != RTN_UNICAST) return std::nullopt;

  WayOut way;
  std::memcpy(&way.interface, interface.data(), sizeof way.interface);
  ifinfomsg link{};
  link.ifi_index = way.interface;
  const auto state = Question(RTM_GETLINK, link).ask(RTM_NEWLINK);
  constexpr unsigned runs = IFF_UP | IFF_RUNNING;
  way.interface_runs = (header_of<ifinfomsg>(state).ifi_flags & runs) == runs;

  const auto gateway = attribute_of<rtmsg>(route, RTA_GATEWAY);
  if (gateway.size() == address_size(family)) {
    std::memcpy(way.gateway.emplace().data(), gateway.data(), gateway.size());
    look_at_gateway(way, family);
  }
  return way;
}

}  // namespace turnkeeper::monitor
