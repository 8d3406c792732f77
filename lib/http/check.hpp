// What Server::listen() would say of its settings, without listening: for programs that look at their configuration
// only, and for servers other than ours that listen at addresses of the same form.
#pragma once

#include <string>

#include "turnkeeper/base/result.hpp"
#include "turnkeeper/http/server.hpp"

namespace turnkeeper::http {

// The form alone; whether it is free, and this machine's, shows when somebody listens there.
[[nodiscard]] Result<void> check_listen_address(const std::string& address);
// The files can be read and belong together.
[[nodiscard]] Result<void> check_tls_files(const TlsFiles& files);

}  // namespace turnkeeper::http
