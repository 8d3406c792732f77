#include "cli/key_rotation.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>

namespace turnkeeper::cli {

KeyRotation::KeyRotation(boost::asio::io_context& io, LocalKeys keys,
                         std::function<std::vector<op::RotationRelay>()> serving, Give give)
    : keys_(std::move(keys)), serving_(std::move(serving)), give_(std::move(give)), timer_(io) {}

void KeyRotation::start() {
  look();
  timer_.expires_after(std::chrono::seconds(1));
  timer_.async_wait([this](boost::system::error_code error) {
    if (!error) start();
  });
}

void KeyRotation::look() {
  trouble_.reset();
  for (Result<bool> stepped = true; stepped && *stepped;) {
    stepped = keys_.step(serving_());
    if (!stepped) trouble_ = stepped.error();
    given_ = given_ && !(stepped && *stepped);
  }
  if (given_) return;
  const auto told = give_(keys_.keys());
  given_ = told.has_value();
  if (!told) trouble_ = told.error();
}

std::string KeyRotation::ask(LocalKeys::Request request) {
  keys_.ask(request);
  look();
  return words();
}

std::string KeyRotation::words() const {
  if (trouble_) return trouble_->text();
  return keys_.rotation().phase == "Idle" ? std::string() : keys_.rotation().message;
}

std::vector<op::RotationRelay> serving_relays(const std::vector<LocalRelays::State>& relays,
                                              const std::vector<monitor::RelayHealth>& seen) {
  std::vector<op::RotationRelay> serving;
  for (const auto& relay : relays) {
    const auto health = std::ranges::find(seen, relay.name, [](const auto& one) { return one.id.relay; });
    const bool dead = health != seen.end() && health->verdict == api::Verdict::unhealthy;
    if (relay.held || dead) continue;
    auto& one = serving.emplace_back(op::RotationRelay{.name = relay.name, .accepts = {}, .has = {}});
    if (health == seen.end()) continue;
    for (const auto& [key, proof] : health->facts.keys) one.accepts[key] = proof.accepted;
  }
  return serving;
}

}  // namespace turnkeeper::cli
