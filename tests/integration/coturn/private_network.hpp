// A network namespace for the test program and everything it starts: fixed ports and odd addresses without touching the
// machine's network. Needs root.
#pragma once

#include <string>
#include <vector>

namespace turnkeeper::test {

// Moves this process into a new namespace whose loopback device has `addresses` too ("10.77.0.1/32"). Call before any
// thread is started; ends the program when it cannot.
void enter_private_network(const std::vector<std::string>& addresses);

}  // namespace turnkeeper::test
