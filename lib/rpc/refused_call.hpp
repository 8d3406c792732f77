// Answers a caller that is not let in: `return new RefusedCall<grpc::ServerWriteReactor<v1::TargetSet>>(status)`.
#pragma once

#include <grpcpp/grpcpp.h>

namespace turnkeeper {

template <class Reactor>
class RefusedCall final : public Reactor {
 public:
  explicit RefusedCall(const grpc::Status& status) { this->Finish(status); }
  void OnDone() override { delete this; }
};

}  // namespace turnkeeper
