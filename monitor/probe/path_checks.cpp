#include "monitor/probe/path_checks.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>

#include "monitor/probe/allocation.hpp"

namespace turnkeeper::monitor {
namespace {

namespace asio = boost::asio;
using api::Cause;
using turn::SocketAddress;
using Family = SocketAddress::Family;

// coturn 4.6.1 holds ports, quota and 5-tuple of an allocation for about a second after Refresh(0).
constexpr auto held_for = std::chrono::milliseconds(1200);
constexpr int most_tries = 3;

bool is_held(const std::optional<turn::Failure>& refused) {
  return refused && (refused->code == 437 || refused->code == 486 || refused->code == 508);
}

class PathCheck {
 public:
  PathCheck(const asio::any_io_executor& executor, PathTarget target, ProbeOptions options)
      : clock_(*options.clock),
        target_(std::move(target)),
        options_(std::move(options)),
        waiter_(std::make_shared<Waiter>(executor)) {
    waiter_->stop_with(options_.stop);
  }

  asio::awaitable<PathReport> run() {
    std::string open;
    for (const Family family : {Family::ipv4, Family::ipv6}) {
      for (const auto& peer : co_await open_peers(family)) open += (open.empty() ? "" : ", ") + peer.ip_string();
    }
    if (!open.empty()) report_.findings.push_back({Cause::ssrf_open, "clients may send to " + open});
    for (const auto& key : target_.old_keys) {
      if (!co_await accepts(key.credential)) continue;
      report_.findings.push_back({Cause::old_key_accepted, "the removed key " + key.id + " still allocates"});
      break;
    }
    if (target_.expired && co_await accepts(*target_.expired)) {
      report_.findings.push_back({Cause::expired_accepted, "a user name whose time was over at " +
                                                               rfc3339(target_.expired->expires) + " still allocates"});
    }
    co_return report_;
  }

 private:
  // The forbidden addresses of one family that the relay would let its clients send to.
  asio::awaitable<std::vector<SocketAddress>> open_peers(Family family) {
    auto target = target_.relay;
    target.address_family = family;
    std::vector<SocketAddress> open;
    for (int tries = 1;; ++tries) {
      Allocation allocation(waiter_, clock_, options_.rto);
      co_await allocation.make(target, target.credential, options_.deadline);
      if (!allocation.made() && tries < most_tries && is_held(allocation.refused())) {
        co_await allocation.release(options_.deadline);
        co_await pause(held_for);
        continue;
      }
      open = co_await open_peers(allocation, family);
      co_await allocation.release(options_.deadline);
      co_return open;
    }
  }

  asio::awaitable<std::vector<SocketAddress>> open_peers(Allocation& allocation, Family family) {
    std::vector<SocketAddress> open;
    if (allocation.made()) {
      std::vector<SocketAddress> peers;
      for (const auto& peer : forbidden_peers()) {
        if (peer.family() != family || peer.ip_string() == allocation.allocated()->relayed.ip_string()) continue;
        if (!is_allowed(peer)) peers.push_back(peer);
      }
      const auto bound = co_await allocation.bind(peers, options_.deadline);
      report_.asked += static_cast<int>(peers.size());
      report_.answered += static_cast<int>(peers.size()) - bound.unanswered;
      open = bound.accepted;
    } else if (family == Family::ipv4) {
      const auto& refused = allocation.refused();
      report_.not_asked = refused
                              ? diagnose(*refused).detail
                              : allocation.unreachable().value_or(Diagnosis{Cause::none, "no answer in time"}).detail;
    }
    co_return open;
  }

  bool is_allowed(const SocketAddress& peer) const {
    const auto address = parse_address(peer.ip_string());
    return std::ranges::any_of(target_.allowed_peers, [&](const auto& range) { return range.contains(*address); });
  }

  asio::awaitable<void> pause(std::chrono::milliseconds time) {
    const auto until = Deadline::after(clock_, time);
    while (!until.expired(clock_) && !waiter_->stopped() && !options_.deadline.expired(clock_)) {
      co_await waiter_->wait(until);
    }
  }

  asio::awaitable<bool> accepts(turn::Credential credential) {
    Allocation allocation(waiter_, clock_, options_.rto);
    co_await allocation.make(target_.relay, std::move(credential), options_.deadline);
    const bool accepted = allocation.made();
    ++report_.asked;
    if (accepted || allocation.refused()) ++report_.answered;
    co_await allocation.release(options_.deadline);
    co_return accepted;
  }

  const Clock& clock_;
  PathTarget target_;
  ProbeOptions options_;
  std::shared_ptr<Waiter> waiter_;
  PathReport report_;
};

}  // namespace

const std::vector<SocketAddress>& forbidden_peers() {
  static const auto peers = [] {
    constexpr std::uint16_t discard = 9;
    std::vector<SocketAddress> list;
    for (const char* address : {
             "169.254.169.254",  // metadata of AWS, Google, Azure and most others
             "127.0.0.1",
             "127.0.0.53",
             "10.0.0.1",
             "172.16.0.1",
             "192.168.0.1",
             "100.64.0.1",
             "100.100.100.200",  // metadata of Alibaba Cloud
             "192.0.0.192",      // metadata of Oracle Cloud
             "198.18.0.1",
             "0.0.0.0",
             "224.0.0.1",
             "240.0.0.1",
             "255.255.255.255",
             "fd00:ec2::254",  // metadata of AWS
             "::1",
             "::",
             "fd00::1",
             "fe80::1",
             "fec0::1",
             "ff02::1",
             "::ffff:127.0.0.1",
             "::ffff:10.0.0.1",
             "::ffff:169.254.169.254",
             "::127.0.0.1",
             "64:ff9b::127.0.0.1",
             "64:ff9b::169.254.169.254",
             "2002:7f00:1::",
             "2002:a9fe:a9fe::",
         }) {
      list.push_back(*SocketAddress::from_ip(address, discard));
    }
    return list;
  }();
  return peers;
}

asio::awaitable<PathReport> check_path(PathTarget target, ProbeOptions options) {
  const auto executor = co_await asio::this_coro::executor;
  PathCheck check(executor, std::move(target), std::move(options));
  co_return co_await check.run();
}

}  // namespace turnkeeper::monitor
