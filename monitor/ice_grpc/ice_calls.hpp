// The calls of turnkeeper.v1.Ice. They run on gRPC's threads, and ask the core on its own. Private to this folder.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>

#include "monitor/ice_grpc/ice_grpc.hpp"

namespace turnkeeper::monitor {

class IceCalls {
 public:
  explicit IceCalls(IceGrpc::Core core);
  ~IceCalls();
  IceCalls(const IceCalls&) = delete;
  IceCalls& operator=(const IceCalls&) = delete;

  // To be registered; outlived by this object.
  [[nodiscard]] grpc::Service& service() { return *service_; }
  // On the executor's thread: the core is asked no more, and every call ends with UNAVAILABLE, one that comes later
  // too.
  void end_all();

 private:
  struct Desk;
  class OpenCalls;
  struct Home;
  class Call;
  class GetCall;
  class WatchCall;
  class Service;
  std::shared_ptr<Desk> desk_;
  std::shared_ptr<OpenCalls> open_;
  std::unique_ptr<grpc::Service> service_;
};

}  // namespace turnkeeper::monitor
