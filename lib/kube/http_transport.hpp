// Transport over Boost.Beast: HTTP/1.1, TLS 1.2 or later. A request blocks its thread on a connection that no other
// request shares; what was used stays open for the next for half a minute. A watch has a connection of its own. No
// threads.
//
// Not cpprestsdk, which serves where requests are rare (lib/rest): it carries each step of a request from thread to
// thread, and one PATCH costs five times the CPU (tests/bench/requests, docs/performance.md).
#pragma once

#include <memory>

#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/kube/config.hpp"
#include "turnkeeper/kube/transport.hpp"

namespace turnkeeper::kube {

// An error when the certificates or the URL in `config` make no sense; the server is not contacted. `clock` must
// outlive the transport. Certificate authorities that were read from a file are read again for each new connection.
[[nodiscard]] turnkeeper::Result<std::shared_ptr<Transport>> connect(const Config& config, const Clock& clock);

}  // namespace turnkeeper::kube
