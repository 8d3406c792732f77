#include "turnkeeper/coturn/version.hpp"

#include <charconv>
#include <optional>
#include <vector>

#include "turnkeeper/base/child_process.hpp"

namespace turnkeeper::coturn {
namespace {

constexpr const char* which_versions = "use a coturn from 4.5 to 4.18, such as docker.io/coturn/coturn:4.18.0";

// "4.6.1" or "Coturn-4.6.1 'Gorst'"; a missing patch is 0. Nothing when the line is something else.
std::optional<Version> version_in(std::string_view line) {
  if (const std::size_t name = line.find("Coturn-"); name != std::string_view::npos) line.remove_prefix(name + 7);
  std::vector<int> numbers;
  const char* at = line.data();
  const char* const end = line.data() + line.size();
  while (numbers.size() < 3) {
    int number = 0;
    const auto [next, error] = std::from_chars(at, end, number);
    if (error != std::errc() || number < 0) break;
    numbers.push_back(number);
    at = next;
    if (at == end || *at != '.') break;
    ++at;
  }
  if (numbers.size() < 2) return std::nullopt;
  return Version{numbers[0], numbers[1], numbers.size() > 2 ? numbers[2] : 0};
}

}  // namespace

std::string Version::text() const {
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

Result<Version> parse_version(std::string_view output) {
  std::optional<Version> found;
  for (std::string_view rest = output; !found && !rest.empty();) {
    const std::size_t end = rest.find('\n');
    found = version_in(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  if (!found && output.find("Usage: turnserver") != std::string_view::npos) found = Version{4, 5, 0};
  if (!found) return fail("no coturn version in what turnserver --version printed", which_versions);
  if (found->major != 4 || found->minor < 5)
    return fail("coturn " + found->text() + " is not supported", which_versions);
  return *found;
}

Result<Version> detect_version(const std::string& turnserver, Deadline deadline) {
  const std::vector<std::string> argv{turnserver, "--version"};
  auto child = ChildProcess::start({.argv = argv, .log_path = "/dev/null", .pipe_stdout = true});
  if (!child) return fail(child.error());
  std::string output;
  while (auto line = child->read_line(deadline)) output += *line + '\n';
  const auto status = child->wait(deadline);
  if (!status) return fail(turnserver + " --version did not end in time");
  // 4.5 prints its usage on stderr and ends with 255.
  if (*status == 255 && output.empty()) output = "Usage: turnserver";
  auto version = parse_version(output);
  if (!version) return fail(version.error().within(turnserver));
  return version;
}

bool is_known(Version version) {
  return version.minor <= 18;
}

bool can_drain(Version version) {
  return version >= Version{4, 6, 3};
}

}  // namespace turnkeeper::coturn
