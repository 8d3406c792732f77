#include "cli/local_keys.hpp"

#include <filesystem>

#include "turnkeeper/base/read_file.hpp"

namespace turnkeeper::cli {
namespace {

constexpr const char* keys_file = "/keys.json";
constexpr const char* record_file = "/rotation.json";

Secret new_secret() {
  return Secret::random(32);
}

}  // namespace

Result<LocalKeys> LocalKeys::open(const StateDirectory& state, const api::Credentials& policy, const Clock& clock) {
  LocalKeys opened(state.path(), policy, clock);
  const std::string path = state.path() + keys_file;
  if (std::filesystem::exists(path)) {
    const auto text = Secret::from_file(path);
    if (!text) return fail(text.error());
    auto keys = api::parse_signing_keys(text->reveal());
    if (!keys) {
      return fail(path + ": " + keys.error().message,
                  "restore the file, or delete it: clients then need new credentials");
    }
    opened.keys_ = std::move(*keys);
    if (const auto record = read_file(state.path() + record_file)) {
      opened.record_ = op::parse_rotation_record(*record);
    }
  } else {
    auto first = op::first_keys(new_secret(), policy.ttl, "", "", clock.system());
    if (auto written = opened.write(first.keys, first.record); !written) return fail(written.error());
    opened.keys_ = std::move(first.keys);
    opened.record_ = std::move(first.record);
  }
  opened.rotate_ = opened.record_.rotate;
  opened.revoke_ = opened.record_.revoke;
  return opened;
}

void LocalKeys::ask(Request request) {
  // Any text that was not there before.
  const auto text = std::to_string(clock_->system().time_since_epoch().count());
  (request == Request::rotate ? rotate_ : revoke_) = text;
}

Result<bool> LocalKeys::step(std::vector<op::RotationRelay> serving) {
  auto next = op::rotate({.keys = keys_,
                          .record = record_,
                          .ttl = policy_.ttl,
                          .every = policy_.rotate_every,
                          .rotate = rotate_,
                          .revoke = revoke_,
                          .supplied = {},
                          .monitor_heard = true,
                          .relays = std::move(serving),
                          .out_of_reach = {},
                          .now = clock_->system(),
                          .steady = clock_->steady(),
                          .sights = rotation_.sights,
                          .new_secret = new_secret});
  const bool changed = next.changed;
  if (changed) {
    if (auto written = write(next.keys, next.record); !written) return fail(written.error());
    keys_ = next.keys;
    record_ = next.record;
  }
  rotation_ = std::move(next);
  return changed;
}

Result<void> LocalKeys::write(const api::SigningKeys& keys, const op::RotationRecord& record) const {
  if (auto written = write_private_file(directory_ + record_file, op::render_rotation_record(record) + '\n'); !written)
    return written;
  return write_private_file(directory_ + keys_file, api::render_signing_keys(keys).reveal() + '\n');
}

}  // namespace turnkeeper::cli
