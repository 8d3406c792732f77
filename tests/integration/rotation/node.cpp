#include "node.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "turnkeeper/http/client.hpp"

namespace turnkeeper::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

std::string contents(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// Without what coturn says of itself at its start.
std::string what_matters(const std::string& log) {
  std::string out;
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("time=") || line.find("ERROR") != std::string::npos) out += line + '\n';
  }
  return out;
}

}  // namespace

RelayContainer::RelayContainer(RelayOptions options, const std::string& relay_json, const std::string& keys_json)
    : options_(std::move(options)) {
  std::string name = ::testing::TempDir() + "relay.XXXXXX";
  directory_ = mkdtemp(name.data());
  fs::create_directories(directory_ + "/state");
  fs::create_directories(directory_ + "/keys");
  std::ofstream(directory_ + "/relay.json") << relay_json;
  mount_keys(keys_json);
  auto started = ChildProcess::start(
      {.argv = {TURNKEEPER_BINARY_DIR "/bin/turnkeeper-agent", "run", "--config=" + directory_ + "/relay.json",
                "--keys=" + directory_ + "/keys/keys.json", "--tls=" + directory_ + "/tls",
                "--state=" + directory_ + "/state", "--address=" + options_.address,
                "--listen=" + options_.address + ":9642", "--turnserver=" + options_.turnserver},
       .log_path = directory_ + "/log"});
  EXPECT_TRUE(started) << started.error().text();
  agent_.emplace(std::move(*started));
}

RelayContainer::~RelayContainer() {
  if (::testing::Test::HasFailure()) std::cerr << "--- " << options_.name << ":\n" << what_matters(log()) << "---\n";
  agent_.reset();
  fs::remove_all(directory_);
}

bool RelayContainer::ready() const {
  const auto reply =
      http::fetch("http://" + options_.address + ":9642", {.target = "/readyz"}, Deadline::after(real_clock(), 5s));
  return reply && reply->status == 200;
}

std::string RelayContainer::get(const std::string& path) const {
  const auto reply =
      http::fetch("http://" + options_.address + ":9642", {.target = path}, Deadline::after(real_clock(), 5s));
  return reply ? reply->body : std::string();
}

std::string RelayContainer::log() const {
  return contents(directory_ + "/log");
}

std::vector<pid_t> RelayContainer::pids() const {
  return {agent_->pid(), std::atoi(contents(directory_ + "/state/turnserver.pid").c_str())};
}

void RelayContainer::mount_keys(const std::string& json) {
  const std::string volume = directory_ + "/keys";
  const std::string version = "..data_" + std::to_string(++mounts_);
  const std::string before = "..data_" + std::to_string(mounts_ - 1);
  fs::create_directory(volume + '/' + version);
  std::ofstream(volume + '/' + version + "/keys.json") << json;
  fs::create_symlink(version, volume + "/..data_tmp");
  fs::rename(volume + "/..data_tmp", volume + "/..data");
  if (!fs::is_symlink(volume + "/keys.json")) fs::create_symlink("..data/keys.json", volume + "/keys.json");
  fs::remove_all(volume + '/' + before);
}

Volumes::Volumes(std::function<std::string()> read, std::vector<RelayContainer*> containers) {
  for (auto* container : containers) {
    threads_.emplace_back([this, read, container](std::stop_token stop) {
      std::string mounted;
      while (!stop.stop_requested()) {
        std::this_thread::sleep_for(50ms);
        const std::string now = read();
        if (now.empty() || now == mounted) continue;
        {
          std::lock_guard lock(mutex_);
          seen_.insert(now);
        }
        std::this_thread::sleep_for(container->options().lag);
        container->mount_keys(now);
        mounted = now;
      }
    });
  }
}

std::set<std::string> Volumes::seen() const {
  std::lock_guard lock(mutex_);
  return seen_;
}

}  // namespace turnkeeper::test
