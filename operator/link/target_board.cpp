#include "operator/link/target_board.hpp"

namespace turnkeeper::op {

void TargetBoard::publish(const v1::ClusterTargets& targets) {
  std::lock_guard lock(mutex_);
  auto& slot = clusters_[targets.cluster()];
  if (slot.SerializeAsString() == targets.SerializeAsString()) return;
  slot = targets;
  rebuild_locked();
}

void TargetBoard::withdraw(const std::string& cluster) {
  std::lock_guard lock(mutex_);
  if (clusters_.erase(cluster) > 0) rebuild_locked();
}

void TargetBoard::open() {
  std::lock_guard lock(mutex_);
  if (open_) return;
  open_ = true;
  rebuild_locked();
}

TargetBoard::Set TargetBoard::newest() const {
  std::lock_guard lock(mutex_);
  return newest_;
}

void TargetBoard::rebuild_locked() {
  if (!open_) return;
  auto set = std::make_shared<v1::TargetSet>();
  for (const auto& [name, targets] : clusters_) *set->add_clusters() = targets;
  newest_ = std::move(set);
  for (const auto& [subscription, listener] : listeners_) listener(newest_);
}

std::unique_ptr<TargetBoard::Subscription> TargetBoard::subscribe(Listener listener) {
  return std::make_unique<Subscription>(*this, std::move(listener));
}

TargetBoard::Subscription::Subscription(TargetBoard& board, Listener listener) : board_(board) {
  std::lock_guard lock(board_.mutex_);
  if (board_.newest_) listener(board_.newest_);
  board_.listeners_.emplace(this, std::move(listener));
}

TargetBoard::Subscription::~Subscription() {
  std::lock_guard lock(board_.mutex_);
  board_.listeners_.erase(this);
}

}  // namespace turnkeeper::op
