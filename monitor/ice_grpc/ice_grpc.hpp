// Serves proto/turnkeeper/v1/ice.proto to application servers, with grpc.health.v1 and reflection.
//
//   auto ice = IceGrpc::listen({.address = "0.0.0.0:8482", .tls = files}, {executor, gate, make_config, hub, ...});
//   if (!ice) return fail(ice.error());
//
// Calls run on gRPC's own threads, which only post to the executor; what it is given is asked there alone.
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "monitor/access/admitted_streams.hpp"
#include "monitor/access/gate.hpp"
#include "monitor/ice/make_ice_config.hpp"
#include "monitor/push/push_hub.hpp"
#include "turnkeeper/base/result.hpp"

namespace turnkeeper::monitor {

class IceGrpc {
 public:
  struct Tls {
    std::string certificate;  // PEM files, followed as they change
    std::string key;
  };
  struct Options {
    std::string address;  // "0.0.0.0:8482"; port 0: the kernel chooses
    std::optional<Tls> tls;
  };
  // All of one thread, the executor's, and all outlive the server.
  struct Core {
    boost::asio::any_io_executor executor;
    const Gate& gate;
    const MakeConfig& make_config;
    PushHub& hub;
    AdmittedStreams& streams;
    // A config was given out: as asked for, or by itself.
    std::function<void(const Caller& caller, const std::string& user, const IceConfig& config)> issued;
    std::function<void(const Caller& caller, const Push& push)> pushed;
  };

  // Errors: the address is in use or malformed, the certificate cannot be used.
  [[nodiscard]] static Result<std::unique_ptr<IceGrpc>> listen(const Options& options, Core core);
  // On the executor's thread. Ends every call with UNAVAILABLE, so that servers ask another monitor.
  ~IceGrpc();
  IceGrpc(const IceGrpc&) = delete;
  IceGrpc& operator=(const IceGrpc&) = delete;

  // "127.0.0.1:8482", with the port that the kernel chose.
  [[nodiscard]] std::string address() const;

 private:
  class Impl;
  explicit IceGrpc(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace turnkeeper::monitor
