#include "operator/controller/snapshot.hpp"

#include <google/protobuf/util/json_util.h>

#include "operator/plan/covers.hpp"
#include "operator/resources/children.hpp"
#include "operator/resources/names.hpp"
#include "turnkeeper/base/log.hpp"
#include "turnkeeper/base/random.hpp"
#include "turnkeeper/base/secret.hpp"
#include "turnkeeper/kube/backoff.hpp"

namespace turnkeeper::op {
namespace {

constexpr std::chrono::seconds request_budget{30};

}  // namespace

Snapshot::Snapshot(kube::Client& client, kube::ObjectKey secret, TargetBoard& board, const Clock& clock)
    : client_(client), secret_(std::move(secret)), clock_(clock) {
  subscription_ = board.subscribe([this](TargetBoard::Set set) {
    std::lock_guard lock(mutex_);
    waiting_ = std::move(set);
    changed_.notify_all();
  });
}

void Snapshot::run(std::stop_token stop) {
  kube::Backoff backoff;
  while (!stop.stop_requested()) {
    TargetBoard::Set set;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [this] { return waiting_ != nullptr; })) return;
      set = std::move(waiting_);
      waiting_.reset();
    }
    auto written = write(*set);
    if (written) {
      backoff.reset();
      continue;
    }
    if (written.error().kind == kube::ErrorKind::cancelled) return;
    log::warn("the snapshot was not written", {{"secret", secret_.text()}, {"error", written.error().text()}});
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stop, backoff.next(random_unit()), [this] { return waiting_ != nullptr; });
    if (!waiting_) waiting_ = std::move(set);
  }
}

kube::Result<> Snapshot::write(const v1::TargetSet& set) {
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(set, &text).ok()) {
    return kube::fail(kube::Error(kube::ErrorKind::unexpected, "the targets have no JSON form"));
  }
  const auto object = snapshot_secret(secret_.namespace_name, secret_.name, Secret(std::move(text)));
  // A restart finds its own snapshot there, as a rule; a write would only wake every kubelet that mounts it.
  auto live = client_.get(kube::secrets, secret_, Deadline::after(clock_, request_budget));
  if (live && covers(*live, object)) return {};
  auto applied =
      client_.apply(kube::secrets, object, {.field_manager = field_manager}, Deadline::after(clock_, request_budget));
  if (!applied) return kube::fail(applied.error());
  return {};
}

}  // namespace turnkeeper::op
