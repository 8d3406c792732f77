#include "tests/support/testbed.hpp"

#include <chrono>
#include <utility>

namespace turnkeeper::testbed {

using nlohmann::json;
using namespace std::chrono_literals;

namespace {

const std::string kSupport = TURNKEEPER_SUPPORT_DIR;

Result<json> read_object(ChildProcess& process, Deadline deadline) {
  const auto line = process.read_line(deadline);
  if (!line) {
    return fail(
        deadline.expired(real_clock()) ? "the test bed part said nothing in time" : "the test bed part has ended",
        "read its messages on stderr");
  }
  auto object = json::parse(*line, nullptr, false);
  if (!object.is_object()) return fail("the test bed part said no JSON object: " + *line);
  return object;
}

}  // namespace

Result<Part> Part::start(const std::vector<std::string>& arguments, Deadline deadline) {
  std::vector<std::string> argv{kSupport + "/testbed/run"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  auto process = ChildProcess::start({.argv = std::move(argv), .pipe_stdin = true, .pipe_stdout = true});
  if (!process) return fail(process.error());
  Part part(std::move(*process));
  auto info = read_object(part.process_, deadline);
  if (!info) return fail(info.error().within("test bed " + arguments.front()));
  part.info_ = std::move(*info);
  return part;
}

Part::~Part() {
  if (process_.pid() <= 0) return;
  process_.close_stdin();
  // A part that is still starting does not read its input yet.
  process_.stop(60s);
}

Result<json> Part::command(const json& request, Deadline deadline) {
  if (!process_.write_stdin(request.dump() + "\n")) return fail("the test bed part has ended");
  auto answer = read_object(process_, deadline);
  if (answer && !answer->value("ok", false)) {
    return fail(request.dump() + ": " + answer->value("error", "refused without a reason"));
  }
  return answer;
}

std::string turnserver(const std::string& version) {
  return version == "4.6.1" ? "/usr/bin/turnserver" : kSupport + "/bin/turnserver-4.18";
}

}  // namespace turnkeeper::testbed
