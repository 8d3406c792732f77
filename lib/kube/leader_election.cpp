#include "turnkeeper/kube/leader_election.hpp"

#include <array>
#include <condition_variable>
#include <cstdio>
#include <thread>

#include "turnkeeper/base/log.hpp"

namespace turnkeeper::kube {
namespace {

using nlohmann::json;

// metav1.MicroTime.
std::string micro_time(SystemTime time) {
  const auto micros =
      std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count() % 1'000'000;
  std::array<char, 8> fraction{};
  std::snprintf(fraction.data(), fraction.size(), "%06d", static_cast<int>(micros));
  std::string text = rfc3339(time);
  text.pop_back();
  return text + "." + fraction.data() + "Z";
}

int number_at(const json& object, const std::string& pointer) {
  const json::json_pointer at(pointer);
  return object.contains(at) && object.at(at).is_number_integer() ? object.at(at).get<int>() : 0;
}

}  // namespace

LeaderElection::LeaderElection(Client& client, Options options, const Clock& clock)
    : client_(client), options_(std::move(options)), clock_(clock) {}

LeaderElection::State LeaderElection::step() {
  auto renewed = acquire_or_renew();
  std::lock_guard lock(mutex_);
  const SteadyTime now = clock_.steady();
  if (renewed) {
    if (state_ == State::waiting) log::info("leading", {{"lease", options_.lease.text()}});
    state_ = State::leading;
    renewed_at_ = now;
    return state_;
  }
  if (state_ == State::waiting) {
    if (renewed.error().kind != ErrorKind::conflict) {
      log::warn("cannot take the lease", {{"error", renewed.error().text()}});
    }
    return state_;
  }
  const bool taken = observed_ && text_at(*observed_, "/spec/holderIdentity") != options_.identity;
  if (taken || now - renewed_at_ >= options_.renew_deadline) {
    state_ = State::lost;
    log::error("the lease is lost", {{"lease", options_.lease.text()}, {"error", renewed.error().message}});
  }
  return state_;
}

Result<> LeaderElection::acquire_or_renew() {
  // One try must not eat up the time of the next ones.
  const Deadline deadline = Deadline::after(clock_, options_.renew_deadline / 2);
  auto current = client_.get(leases, options_.lease, deadline);
  if (!current && current.error().kind != ErrorKind::not_found) return fail(current.error());
  if (!current) {
    auto created = client_.create(leases, lease_object(nullptr), deadline);
    if (!created) return fail(created.error());
    observe(*created);
    return {};
  }
  observe(*current);
  const std::string holder = text_at(*current, "/spec/holderIdentity");
  if (!holder.empty() && holder != options_.identity) {
    const std::chrono::seconds valid{number_at(*current, "/spec/leaseDurationSeconds")};
    std::lock_guard lock(mutex_);
    if (clock_.steady() - observed_at_ < valid) {
      return fail(Error(ErrorKind::conflict, "the lease is held by " + holder));
    }
  }
  auto replaced = client_.replace(leases, lease_object(&*current), deadline);
  if (!replaced) return fail(replaced.error());
  observe(*replaced);
  return {};
}

json LeaderElection::lease_object(const json* previous) const {
  const std::string now = micro_time(clock_.system());
  const bool ours = previous != nullptr && text_at(*previous, "/spec/holderIdentity") == options_.identity;
  json lease = {{"apiVersion", leases.api_version()},
                {"kind", leases.kind},
                {"metadata", {{"name", options_.lease.name}, {"namespace", options_.lease.namespace_name}}},
                {"spec",
                 {{"holderIdentity", options_.identity},
                  {"leaseDurationSeconds", options_.lease_duration.count()},
                  {"renewTime", now},
                  {"acquireTime", ours ? text_at(*previous, "/spec/acquireTime") : now},
                  {"leaseTransitions", 0}}}};
  if (previous != nullptr) {
    lease["metadata"] = (*previous)["metadata"];
    lease["metadata"].erase("managedFields");
    lease["spec"]["leaseTransitions"] = number_at(*previous, "/spec/leaseTransitions") + (ours ? 0 : 1);
  }
  return lease;
}

void LeaderElection::observe(const json& lease) {
  std::lock_guard lock(mutex_);
  const auto same = [&](const char* pointer) { return text_at(*observed_, pointer) == text_at(lease, pointer); };
  if (!observed_ || !same("/spec/holderIdentity") || !same("/spec/renewTime")) observed_at_ = clock_.steady();
  observed_ = lease;
}

void LeaderElection::release() {
  json lease;
  {
    std::lock_guard lock(mutex_);
    if (state_ != State::leading || !observed_) return;
    state_ = State::waiting;
    lease = lease_object(&*observed_);
  }
  lease["spec"]["holderIdentity"] = "";
  lease["spec"]["leaseDurationSeconds"] = 1;
  auto released = client_.replace(leases, lease, Deadline::after(clock_, options_.retry_period));
  if (!released) log::warn("could not release the lease", {{"error", released.error().message}});
}

bool LeaderElection::run(std::stop_token stop, const std::function<void(std::stop_token)>& lead) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::jthread leader;
  State state = State::waiting;
  while (!stop.stop_requested()) {
    state = step();
    if (state == State::lost) break;
    if (state == State::leading && !leader.joinable()) leader = std::jthread(lead);
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, options_.retry_period, [] { return false; });
  }
  if (leader.joinable()) {
    leader.request_stop();
    leader.join();
  }
  if (state == State::lost) return false;
  release();
  return true;
}

bool LeaderElection::healthy() const {
  std::lock_guard lock(mutex_);
  if (state_ == State::lost) return false;
  return state_ == State::waiting || clock_.steady() - renewed_at_ < options_.lease_duration;
}

bool LeaderElection::leading() const {
  std::lock_guard lock(mutex_);
  return state_ == State::leading;
}

}  // namespace turnkeeper::kube
