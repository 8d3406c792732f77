#include "monitor/metrics/process_metrics.hpp"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <ctime>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace turnkeeper::monitor {
namespace {

using Type = Exposition::Type;

// The fields of /proc/self/stat behind the command's name, which may itself hold blanks and brackets: [0] is field 3.
std::vector<std::string> stat_fields() {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  std::istringstream rest(line.substr(std::min(line.size(), line.rfind(')') + 1)));
  std::vector<std::string> fields;
  for (std::string field; rest >> field;) fields.push_back(field);
  return fields;
}

std::optional<double> boot_time() {
  std::ifstream file("/proc/stat");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("btime ")) return std::strtod(line.c_str() + 6, nullptr);
  }
  return std::nullopt;
}

std::optional<double> open_files() {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir("/proc/self/fd"), closedir);
  if (!directory) return std::nullopt;
  int count = 0;
  while (const auto* entry = readdir(directory.get())) count += entry->d_name[0] != '.';
  return count - 1;  // the one that reads this
}

void gauge(Exposition& text, const char* name, const char* help, std::optional<double> value) {
  if (!value) return;
  text.family(name, Type::gauge, help);
  text.sample({}, *value);
}

}  // namespace

void write_process_metrics(Exposition& text) {
  const auto fields = stat_fields();
  const auto number = [&](std::size_t field) -> std::optional<double> {  // as proc(5) counts them
    if (fields.size() <= field - 3) return std::nullopt;
    return std::strtod(fields[field - 3].c_str(), nullptr);
  };
  timespec cpu{};
  if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu) == 0) {
    text.family("process_cpu_seconds", Type::counter, "User and system CPU time spent.");
    text.sample({}, static_cast<double>(cpu.tv_sec) + static_cast<double>(cpu.tv_nsec) * 1e-9);
  }
  gauge(text, "process_open_fds", "Open file descriptors.", open_files());
  if (rlimit limit{}; getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    gauge(text, "process_max_fds", "Most file descriptors that may be open.", static_cast<double>(limit.rlim_cur));
  }
  gauge(text, "process_virtual_memory_bytes", "Virtual memory size.", number(23));
  const auto pages = number(24);
  gauge(text, "process_resident_memory_bytes", "Resident memory size.",
        pages ? std::optional(*pages * static_cast<double>(sysconf(_SC_PAGESIZE))) : std::nullopt);
  gauge(text, "process_threads", "Threads.", number(20));
  const auto ticks = number(22);
  const auto boot = boot_time();
  gauge(text, "process_start_time_seconds", "When the process started, as Unix time.",
        ticks && boot ? std::optional(*boot + *ticks / static_cast<double>(sysconf(_SC_CLK_TCK))) : std::nullopt);
}

}  // namespace turnkeeper::monitor
