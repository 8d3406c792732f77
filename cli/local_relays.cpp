#include "cli/local_relays.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <filesystem>
#include <fstream>
#include <thread>
#include <type_traits>

#include "turnkeeper/base/random.hpp"
#include "turnkeeper/coturn/config.hpp"
#include "turnkeeper/coturn/log_line.hpp"

namespace turnkeeper::cli {
namespace {

namespace asio = boost::asio;
constexpr std::uintmax_t kLargestLog = 8 * 1024 * 1024;

std::string endpoint_text(const LocalRelay& relay) {
  const bool v6 = relay.address.find(':') != std::string::npos;
  return (v6 ? "[" + relay.address + "]" : relay.address) + ":" + std::to_string(relay.ports.turn);
}

template <class Protocol>
boost::system::error_code try_bind(const asio::ip::address& address, std::uint16_t port) {
  asio::io_context io;
  const typename Protocol::endpoint endpoint(address, port);
  typename Protocol::socket socket(io);
  boost::system::error_code error;
  socket.open(endpoint.protocol(), error);
  // coturn sets it too; without it, connections in TIME_WAIT of an earlier run look like a taken port.
  if constexpr (std::is_same_v<Protocol, asio::ip::tcp>) {
    if (!error) socket.set_option(asio::socket_base::reuse_address(true), error);
  }
  if (!error) socket.bind(endpoint, error);
  return error;
}

// coturn only says so in its log, and goes on without the listener. A relay of a `turnctl up` that was killed is gone a
// moment later, so a taken port gets a second chance for as long.
Result<void> check_port(const LocalRelay& relay) {
  boost::system::error_code error;
  const auto address = asio::ip::make_address(relay.address, error);
  if (error) return fail("\"" + relay.address + "\" is no address", "give a numeric one with --address");
  const Deadline deadline = Deadline::after(real_clock(), std::chrono::seconds(2));
  while (true) {
    const char* transport = "UDP";
    error = try_bind<asio::ip::udp>(address, relay.ports.turn);
    if (!error) {
      transport = "TCP";
      error = try_bind<asio::ip::tcp>(address, relay.ports.turn);
    }
    if (!error) return {};
    if (error == asio::error::address_in_use && !deadline.expired(real_clock())) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      continue;
    }
    const std::string what = "relay " + relay.name + " cannot listen on " + endpoint_text(relay) + " (" + transport +
                             "): " + error.message();
    if (error == asio::error::address_in_use) {
      return fail(what, "stop the program that holds the port, or choose another spec.relay.ports.turn");
    }
    return fail(what, "give an address of this machine with --address, and a turn port of 1024 or above");
  }
}

// A relay that has bound its port answers, or its socket keeps the question until it does.
bool answers_stun(const LocalRelay& relay) {
  asio::io_context io;
  boost::system::error_code error;
  asio::ip::udp::socket socket(io);
  socket.connect({asio::ip::make_address(relay.address, error), relay.ports.turn}, error);
  const std::string id = random_bytes(12);
  const std::string request = std::string("\x00\x01\x00\x00\x21\x12\xA4\x42", 8) + id;  // Binding, RFC 8489
  if (!error) socket.send(asio::buffer(request), 0, error);
  pollfd waiting{socket.native_handle(), POLLIN, 0};
  if (error || ::poll(&waiting, 1, 50) <= 0) return false;
  std::array<char, 512> reply{};
  const std::size_t size = socket.receive(asio::buffer(reply), 0, error);
  return !error && size >= 20 && std::string_view(reply.data() + 8, 12) == id;
}

// So that the monitor's first look does not find relays that are still starting.
void wait_until_listening(const std::vector<LocalRelay>& relays) {
  const Deadline deadline = Deadline::after(real_clock(), std::chrono::seconds(5));
  for (const auto& relay : relays) {
    const bool over_udp = std::ranges::count(relay.spec.transports, api::Transport::udp) > 0;
    while (over_udp && !answers_stun(relay) && !deadline.expired(real_clock())) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
}

std::vector<Secret> accepted_secrets(const api::SigningKeys& keys) {
  std::vector<Secret> secrets;
  for (const auto& key : api::accepted_keys(keys)) secrets.push_back(key.secret);
  return secrets;
}

// The newest log of a relay, kept from growing without end.
class LogFile {
 public:
  explicit LogFile(std::string path) : path_(std::move(path)) {}
  void append(const std::string& line) {
    if (!file_.is_open() || size_ > kLargestLog) {
      file_ = std::ofstream(path_, std::ios::trunc);
      size_ = 0;
    }
    file_ << line << '\n' << std::flush;
    size_ += line.size() + 1;
  }

 private:
  std::string path_;
  std::ofstream file_;
  std::uintmax_t size_ = 0;
};

}  // namespace

Result<std::unique_ptr<LocalRelays>> LocalRelays::start(const StateDirectory& state,
                                                        const std::vector<LocalRelay>& relays,
                                                        const api::SigningKeys& keys, Options options) {
  auto version = coturn::detect_version(options.turnserver, Deadline::after(real_clock(), std::chrono::seconds(10)));
  if (!version) {
    return fail(version.error().message, version.error().advice.empty()
                                             ? "install coturn (apt-get install coturn), or name it with --turnserver"
                                             : version.error().advice);
  }
  std::unique_ptr<LocalRelays> running(new LocalRelays(std::move(options)));
  running->version_ = *version;
  const auto secrets = accepted_secrets(keys);
  for (const auto& relay : relays) {
    if (auto free = check_port(relay); !free) return fail(free.error());
    if (auto added = running->add(state, relay, secrets); !added) return fail(added.error());
  }
  for (auto& entry : running->entries_) {
    if (auto started = running->run(entry); !started) return fail(started.error());
  }
  wait_until_listening(relays);
  return running;
}

Result<void> LocalRelays::add(const StateDirectory& state, LocalRelay relay, const std::vector<Secret>& secrets) {
  auto directory = state.relay_directory(relay.name);
  if (!directory) return fail(directory.error());
  const std::string database_path = *directory + "/turndb";
  auto database = coturn::TurnDb::open(database_path);
  if (!database) return fail(database.error());
  if (auto synced = database->sync_secrets(options_.realm, secrets); !synced) return fail(synced.error());
  const coturn::Settings settings{.realm = options_.realm,
                                  .addresses = {{relay.address}},
                                  .ports = relay.ports,
                                  .limits = relay.spec.limits,
                                  .peers = relay.spec.peers,
                                  .transports = relay.spec.transports,
                                  .database = database_path,
                                  .pid_file = *directory + "/turnserver.pid"};
  auto config = coturn::render(settings, version_);
  if (!config) return fail(config.error().within("relay " + relay.name));
  if (auto written = write_private_file(*directory + "/turnserver.conf", *config); !written) {
    return fail(written.error());
  }
  entries_.push_back({std::move(relay), std::move(*directory), std::move(*database), nullptr});
  return {};
}

Result<void> LocalRelays::run(Entry& entry) const {
  const auto log = std::make_shared<LogFile>(entry.directory + "/turnserver.log");
  const auto tell = [on_problem = options_.on_problem, name = entry.relay.name](const Error& problem) {
    if (on_problem) on_problem(name, problem);
  };
  auto process = coturn::RelayProcess::start(
      {.turnserver = options_.turnserver,
       .config_path = entry.directory + "/turnserver.conf",
       .stderr_path = entry.directory + "/turnserver.stderr",
       .on_log =
           [log, tell](const std::string& line) {
             log->append(line);
             if (const auto problem = coturn::explain_log_line(line)) tell(*problem);
           },
       .on_crash =
           [tell, path = entry.directory + "/turnserver.log"](const coturn::Crash& crash) {
             tell({"turnserver ended with status " + std::to_string(crash.status) + " after " +
                       std::to_string(crash.ran.count()) + " ms; starting it again in " +
                       std::to_string(crash.restart_in.count()) + " ms",
                   "see " + path});
           }});
  if (!process) return fail(process.error().within("relay " + entry.relay.name));
  entry.process = std::move(*process);
  return {};
}

std::vector<LocalRelays::State> LocalRelays::list() const {
  std::vector<State> states;
  for (const auto& entry : entries_) {
    states.push_back({.name = entry.relay.name,
                      .region = entry.relay.region,
                      .address = endpoint_text(entry.relay),
                      .held = entry.process == nullptr,
                      .draining = entry.draining,
                      .pid = entry.process ? entry.process->pid() : std::nullopt});
  }
  return states;
}

Result<LocalRelays::Entry*> LocalRelays::find(const std::string& name) {
  const auto found = std::ranges::find(entries_, name, [](const Entry& entry) { return entry.relay.name; });
  if (found != entries_.end()) return &*found;
  std::string names;
  for (const auto& entry : entries_) names += (names.empty() ? "" : ", ") + entry.relay.name;
  return fail("there is no relay \"" + name + "\"", "choose one of " + names);
}

Result<void> LocalRelays::stop(const std::string& name) {
  auto entry = find(name);
  if (!entry) return fail(entry.error());
  (*entry)->process.reset();  // kills it
  (*entry)->draining = false;
  return {};
}

Result<void> LocalRelays::start(const std::string& name) {
  auto entry = find(name);
  if (!entry) return fail(entry.error());
  (*entry)->draining = false;
  if ((*entry)->process) return {};
  return run(**entry);
}

Result<void> LocalRelays::drain(const std::string& name) {
  auto entry = find(name);
  if (!entry) return fail(entry.error());
  if (!(*entry)->process) return fail("the relay " + name + " is down", "`turnctl relay start` brings it back");
  (*entry)->draining = true;
  return {};
}

Result<void> LocalRelays::accept(const api::SigningKeys& keys) {
  Result<void> told;
  for (auto& entry : entries_) {
    auto synced = entry.database.sync_secrets(options_.realm, accepted_secrets(keys));
    if (!synced && told) told = fail(synced.error().within("relay " + entry.relay.name));
  }
  return told;
}

}  // namespace turnkeeper::cli
