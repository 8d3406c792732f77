// Questions to name servers, asked by c-ares with its sockets and times in Asio. For this folder only.
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "turnkeeper/base/result.hpp"
#include "turnkeeper/turn/service_records.hpp"
#include "turnkeeper/turn/socket_address.hpp"

namespace turnkeeper::turn {

enum class DnsAnswer { found, absent, failed };  // absent: no such name, or it has no such record

// Callbacks may come from within a call, and must not destroy the object: that is for another turn of the executor.
class DnsQueries {
 public:
  // Reads /etc/resolv.conf. `nameservers`: ask these instead of its own.
  [[nodiscard]] static Result<std::unique_ptr<DnsQueries>> open(const boost::asio::any_io_executor& executor,
                                                                const std::vector<SocketAddress>& nameservers);
  // Ends everything; calls nothing any more.
  ~DnsQueries();
  DnsQueries(const DnsQueries&) = delete;
  DnsQueries& operator=(const DnsQueries&) = delete;

  // `why`: what to tell a person unless found.
  template <class Records>
  using Callback = std::function<void(DnsAnswer answer, std::vector<Records> records, const std::string& why)>;
  // A and AAAA, sorted by RFC 6724, with port 0. Knows /etc/hosts and search domains.
  void addresses(const std::string& name, Callback<SocketAddress> callback);
  void srv(const std::string& name, Callback<SrvRecord> callback);
  void naptr(const std::string& name, Callback<NaptrRecord> callback);

 private:
  struct State;
  explicit DnsQueries(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

}  // namespace turnkeeper::turn
