#include "operator/controller/secret_follower.hpp"

namespace turnkeeper::op {

SecretFollower::SecretFollower(kube::Client& client, const Clock& clock, const kube::ObjectKey& secret,
                               std::function<void()> on_change)
    : secret_(secret),
      reflector_(client,
                 {.type = kube::secrets,
                  .namespace_name = secret.namespace_name,
                  .label_selector = {},
                  .field_selector = "metadata.name=" + secret.name,
                  .on_change = [on_change = std::move(on_change)](const auto&) { on_change(); }},
                 clock),
      thread_([this](std::stop_token stop) { reflector_.run(std::move(stop)); }) {}

SecretFollower::~SecretFollower() {
  thread_.request_stop();
}

SecretFollower::Seen SecretFollower::look() const {
  // In this order: a Secret that comes in between is known at the next look.
  const bool known = reflector_.store().synced();
  return {.known = known, .secret = reflector_.store().get(secret_), .trouble = reflector_.trouble()};
}

SecretFollower::Seen SecretFollower::look(std::chrono::milliseconds at_most) const {
  constexpr std::chrono::milliseconds between(5);
  auto seen = look();
  for (; !seen.known && at_most.count() > 0; at_most -= between) {
    std::this_thread::sleep_for(between);
    seen = look();
  }
  return seen;
}

}  // namespace turnkeeper::op
