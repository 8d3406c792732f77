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

TemporaryAuthority::TemporaryAuthority()
    : directory_([] {
        std::string name = testing::TempDir() + "authority.XXXXXX";
        return std::string(mkdtemp(name.data()));
      }()),
      authority_(directory_) {}

TemporaryAuthority::~TemporaryAuthority() {
  fs::remove_all(directory_);
}

testbed::Authority::Files TemporaryAuthority::issue() {
  return authority_.issue({.names = {"turn.example.org"}, .addresses = {"10.77.0.1"}});
}

RunningAgent::RunningAgent() {
  std::string name = testing::TempDir() + "agent.XXXXXX";
  directory_ = mkdtemp(name.data());
  fs::permissions(directory_, fs::perms(0755));
  fs::create_directories(directory_ + "/state");
  std::ofstream(directory_ + "/termination-log");
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
                           "--turnserver=" + options.turnserver, "--tls=" + directory_ + "/tls",
                           "--termination-log=" + directory_ + "/termination-log"});
  if (!options.addresses_json.empty()) {
    write_addresses(options.addresses_json);
    argv.push_back("--addresses=" + directory_ + "/addresses.json");
  }
  argv.insert(argv.end(), options.arguments.begin(), options.arguments.end());
  process_.reset();  // the one before holds the port
  fs::remove(directory_ + "/log");
  process_.emplace(ChildProcess::start({.argv = argv, .log_path = directory_ + "/log"}).value());
}

std::optional<int> RunningAgent::wait(std::chrono::seconds patience) {
  return process_->wait(Deadline::after(real_clock(), patience));
}

void RunningAgent::mount(const std::string& directory, const std::map<std::string, std::string>& files) {
  fs::create_directories(directory);
  const std::string version = "..data_" + std::to_string(++mounts_);
  fs::create_directory(directory + "/" + version);
  fs::create_symlink(version, directory + "/..data_tmp");
  const fs::path before = fs::is_symlink(directory + "/..data") ? fs::read_symlink(directory + "/..data") : "";
  for (const auto& [name, text] : files) {
    std::ofstream(directory + "/" + version + "/" + name) << text;
    if (!fs::is_symlink(directory + "/" + name)) fs::create_symlink("..data/" + name, directory + "/" + name);
  }
  fs::rename(directory + "/..data_tmp", directory + "/..data");
  if (!before.empty()) fs::remove_all(fs::path(directory) / before);
}

void RunningAgent::mount_keys(const std::string& json) {
  mount(directory_ + "/keys", {{"keys.json", json}});
}

void RunningAgent::mount_certificate(const testbed::Authority::Files& files) {
  mount(directory_ + "/tls", {{"tls.crt", contents(files.certificate)}, {"tls.key", contents(files.key)}});
}

void RunningAgent::write_addresses(const std::string& json) {
  std::ofstream(directory_ + "/addresses.json.tmp") << json;
  fs::rename(directory_ + "/addresses.json.tmp", directory_ + "/addresses.json");
}

std::string RunningAgent::script(const std::string& text) {
  std::string path = directory_ + "/script";
  std::ofstream(path) << text;
  fs::permissions(path, fs::perms(0755));
  return path;
}

std::string RunningAgent::termination_message() const {
  return contents(directory_ + "/termination-log");
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

nlohmann::json RunningAgent::state() const {
  std::string body;
  return get("/v1/state", &body) == 200 ? nlohmann::json::parse(body) : nlohmann::json();
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
