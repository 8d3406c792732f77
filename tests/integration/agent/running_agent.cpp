#include "running_agent.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "turnkeeper/http/client.hpp"

namespace turnkeeper::agent {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

std::string contents(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace

RunningAgent::RunningAgent() {
  std::string name = testing::TempDir() + "agent.XXXXXX";
  directory_ = mkdtemp(name.data());
  fs::permissions(directory_, fs::perms(0755));
  fs::create_directories(directory_ + "/state");
  fs::create_directories(directory_ + "/keys");
  fs::permissions(directory_ + "/state", fs::perms(0777));
}

RunningAgent::~RunningAgent() {
  process_.reset();
  fs::remove_all(directory_);
}

void RunningAgent::start(const Options& options) {
  std::ofstream(directory_ + "/relay.json") << options.relay_json;
  if (!options.keys_json.empty()) {
    mount_keys(options.keys_json);
  } else {
    mount_keys({{"k1", secret, "Issuing"}});
  }
  std::vector<std::string> argv = options.before;
  argv.insert(argv.end(), {options.agent.empty() ? TURNKEEPER_BINARY_DIR "/bin/turnkeeper-agent" : options.agent, "run",
                           "--config=" + directory_ + "/relay.json", "--keys=" + directory_ + "/keys/keys.json",
                           "--state=" + directory_ + "/state", "--address=10.77.0.1", "--listen=127.0.0.1:9642",
                           "--turnserver=" + options.turnserver});
  argv.insert(argv.end(), options.arguments.begin(), options.arguments.end());
  fs::remove(directory_ + "/log");
  process_.emplace(ChildProcess::start({.argv = argv, .log_path = directory_ + "/log"}).value());
}

std::optional<int> RunningAgent::wait(std::chrono::seconds patience) {
  return process_->wait(Deadline::after(real_clock(), patience));
}

void RunningAgent::mount_keys(const std::string& json) {
  const std::string keys = directory_ + "/keys/";
  const std::string version = "..data_" + std::to_string(++mounts_);
  fs::create_directory(keys + version);
  std::ofstream(keys + version + "/keys.json") << json;
  fs::create_symlink(version, keys + "..data_tmp");
  fs::rename(keys + "..data_tmp", keys + "..data");
  if (!fs::is_symlink(keys + "keys.json")) fs::create_symlink("..data/keys.json", keys + "keys.json");
  fs::remove_all(keys + "..data_" + std::to_string(mounts_ - 1));
}

void RunningAgent::mount_keys(const std::vector<Key>& keys) {
  std::string json;
  for (const Key& key : keys) {
    json += (json.empty() ? "[" : ",") + std::string(R"({"id":")") + key.id + R"(","secret":")" + key.secret.reveal() +
            R"(","phase":")" + key.phase + R"(","created":"2026-08-01T12:00:00Z"})";
  }
  mount_keys(json + "]");
}

int RunningAgent::get(const std::string& path, std::string* body) const {
  const auto response = http::fetch("http://127.0.0.1:9642", {.target = path}, Deadline::after(real_clock(), 5s));
  if (!response) return 0;
  if (body != nullptr) *body = response->body;
  return response->status;
}

bool RunningAgent::wait_until_ready() {
  const SteadyTime until = real_clock().steady() + 30s;
  while (get("/readyz") != 200) {
    if (real_clock().steady() > until || process_->poll()) return false;
    std::this_thread::sleep_for(20ms);
  }
  return true;
}

std::optional<double> RunningAgent::metric(const std::string& name) const {
  std::string text;
  if (get("/metrics", &text) != 200) return std::nullopt;
  const std::size_t at = text.find("\n" + name + " ");
  if (at == std::string::npos) return std::nullopt;
  return std::stod(text.substr(at + name.size() + 2));
}

pid_t RunningAgent::coturn_pid() const {
  return std::atoi(contents(directory_ + "/state/turnserver.pid").c_str());
}

std::string RunningAgent::log() const {
  return contents(directory_ + "/log");
}

}  // namespace turnkeeper::agent
