#include "private_network.hpp"

#include <sched.h>

#include <cstdlib>
#include <iostream>

#include "turnkeeper/base/child_process.hpp"

namespace turnkeeper::test {
namespace {

void run_ip(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "ip");
  const auto output = run_command(arguments, Deadline::after(real_clock(), std::chrono::seconds(20)));
  if (output && output->status == 0) return;
  std::cerr << "private network: " << (output ? output->text : output.error().text()) << "\n";
  std::exit(1);
}

}  // namespace

void enter_private_network(const std::vector<std::string>& addresses) {
  if (unshare(CLONE_NEWNET) != 0) {
    std::cerr << "private network: these tests need root to make a network namespace\n";
    std::exit(1);
  }
  run_ip({"link", "set", "lo", "up"});
  for (const std::string& address : addresses) run_ip({"address", "add", address, "dev", "lo"});
}

}  // namespace turnkeeper::test
