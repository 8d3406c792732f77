// Parts of the test bed for GoogleTest fixtures: clusters, network regions, Prometheus, as real as on a server.
//
//   auto part = testbed::Part::start({"regions", "--regions", "eu,us"}, Deadline::after(real_clock(), 60s));
//   ASSERT_TRUE(part) << part.error().text();
//   const std::string eu = part->info()["regions"][0]["address"];
//   ASSERT_TRUE(part->command({{"cmd", "blackhole"}, {"region", "eu"}, {"on", true}}, deadline));
//
// `tests/support/testbed/run --help` lists the parts and their options; the Python sources say what info() holds and
// which commands there are. The first use on a machine builds what the cache lacks, which takes minutes: `run prepare`
// does it ahead of time. Not thread-safe.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "turnkeeper/base/child_process.hpp"
#include "turnkeeper/base/deadline.hpp"
#include "turnkeeper/base/result.hpp"

namespace turnkeeper::testbed {

class Part {
 public:
  // Starts the part and waits until it is ready. Errors: it failed (its messages are on stderr) or the deadline came
  // first; nothing of it is left then. The part also ends with the thread that starts it, however that ends.
  [[nodiscard]] static Result<Part> start(const std::vector<std::string>& arguments, Deadline deadline);
  // Ends the part and waits until everything that it made is gone.
  ~Part();
  Part(Part&&) noexcept = default;
  Part& operator=(Part&&) = delete;

  // What the part said when it became ready: addresses, paths, pids.
  [[nodiscard]] const nlohmann::json& info() const { return info_; }
  // Sends one command and returns its answer; an error when the part could not carry it out.
  [[nodiscard]] Result<nlohmann::json> command(const nlohmann::json& request, Deadline deadline);

 private:
  explicit Part(ChildProcess process) : process_(std::move(process)) {}

  ChildProcess process_;
  nlohmann::json info_;
};

// A `turnserver` executable of coturn "4.6.1" or "4.18.0", which takes arguments and paths like an installed one.
[[nodiscard]] std::string turnserver(const std::string& version);

}  // namespace turnkeeper::testbed
