// Writes the newest targets into a Secret, which monitors mount to start without the operator.
//
//   Snapshot snapshot(client, {.namespace_name = "turnkeeper", .name = "turnkeeper-targets"}, board, clock);
//   std::jthread thread([&](std::stop_token stop) { snapshot.run(stop); });
#pragma once

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <string>

#include "operator/link/target_board.hpp"
#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/kube/client.hpp"

namespace turnkeeper::op {

class Snapshot {
 public:
  // All must outlive it.
  Snapshot(kube::Client& client, kube::ObjectKey secret, TargetBoard& board, const Clock& clock);
  // Until stop is requested: writes after each change, and again later what could not be written.
  void run(std::stop_token stop);

 private:
  [[nodiscard]] kube::Result<> write(const v1::TargetSet& set);

  kube::Client& client_;
  const kube::ObjectKey secret_;
  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  TargetBoard::Set waiting_;
  std::unique_ptr<TargetBoard::Subscription> subscription_;
};

}  // namespace turnkeeper::op
