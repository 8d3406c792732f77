#include "relay_under_test.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "blocking_client.hpp"
#include "turnkeeper/coturn/allocations.hpp"
#include "turnkeeper/coturn/log_line.hpp"

namespace turnkeeper::coturn {

using namespace std::chrono_literals;

RelayUnderTest::RelayUnderTest(const std::string& turnserver, Settings settings) : settings_(std::move(settings)) {
  std::string name = testing::TempDir() + "relay.XXXXXX";
  directory_ = mkdtemp(name.data());
  settings_.realm = realm;
  settings_.database = directory_ + "/turndb";
  settings_.pid_file = directory_ + "/pid";
  // The first use of a version that Debian 12 does not have downloads it.
  const auto version = detect_version(turnserver, Deadline::after(real_clock(), 300s));
  const auto text = render(settings_, version.value());
  std::ofstream(directory_ + "/turnserver.conf") << text.value();
  version_ = *version;
  database_ = std::make_unique<TurnDb>(TurnDb::open(settings_.database).value());
  EXPECT_TRUE(database_->sync_secrets(realm, {secret}));
  process_ = RelayProcess::start({.turnserver = turnserver,
                                  .config_path = directory_ + "/turnserver.conf",
                                  .on_log =
                                      [this](const std::string& line) {
                                        const std::lock_guard lock(mutex_);
                                        log_.push_back(line);
                                      },
                                  .on_crash = {}})
                 .value();
  const bool listens = offers(settings_, api::Transport::udp)
                           ? test::wait_until_listening(where())
                           : test::wait_until_connected(
                                 settings_.addresses.front().address,
                                 offers(settings_, api::Transport::tcp) ? settings_.ports.turn : settings_.ports.turns);
  if (!listens) {
    std::string log;
    for (const std::string& line : log_) log += line + "\n";
    ADD_FAILURE() << "the relay does not listen on " << where() << ":\n" << log;
  }
}

RelayUnderTest::~RelayUnderTest() {
  process_->stop(0ms);  // some versions need seconds to end when asked
  std::filesystem::remove_all(directory_);
}

std::string RelayUnderTest::where() const {
  const std::string& address = settings_.addresses.front().address;
  const bool v6 = address.find(':') != std::string::npos;
  return (v6 ? "[" + address + "]" : address) + ":" + std::to_string(settings_.ports.turn);
}

int RelayUnderTest::allocations() const {
  const auto pid = process_->pid();
  return pid ? live_allocations(*pid, settings_.ports).value_or(-1) : -1;
}

std::vector<std::string> RelayUnderTest::complaints() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> found;
  for (const std::string& line : log_) {
    if (explain_log_line(line) || line.find("ERROR") != std::string::npos ||
        line.find("eprecated") != std::string::npos) {
      found.push_back(line);
    }
  }
  return found;
}

}  // namespace turnkeeper::coturn
