#include "turnkeeper/coturn/allocations.hpp"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <unordered_set>

namespace turnkeeper::coturn {
namespace {

// The inodes of the sockets in one of /proc/PID/net's tables that are bound to a port in the range. A line's fields:
// "sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode ...", addresses as
// HEX:PORT.
void add_bound_sockets(const std::string& table, const api::Ports& ports, std::unordered_set<std::string>& inodes) {
  std::ifstream file(table);
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::string local;
    std::string skipped;
    std::string inode;
    fields >> skipped >> local;
    for (int i = 0; i < 7; ++i) fields >> skipped;
    fields >> inode;
    const std::size_t colon = local.rfind(':');
    if (!fields || colon == std::string::npos) continue;
    unsigned port = 0;
    std::from_chars(local.data() + colon + 1, local.data() + local.size(), port, 16);
    if (port >= ports.relay_min && port <= ports.relay_max) inodes.insert(inode);
  }
}

}  // namespace

Result<int> live_allocations(pid_t turnserver, const api::Ports& ports) {
  const std::string proc = "/proc/" + std::to_string(turnserver);
  std::unordered_set<std::string> bound;
  for (const char* table : {"udp", "udp6", "tcp", "tcp6"}) {
    add_bound_sockets(proc + "/net/" + table, ports, bound);
  }
  int count = 0;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(proc + "/fd", error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code gone;  // a descriptor may be closed at any time
    const std::string target = std::filesystem::read_symlink(entry->path(), gone).string();
    if (gone || !target.starts_with("socket:[")) continue;
    count += static_cast<int>(bound.count(target.substr(8, target.size() - 9)));
  }
  if (error)
    return fail("cannot count the allocations of process " + std::to_string(turnserver) + ": " + error.message());
  return count;
}

}  // namespace turnkeeper::coturn
