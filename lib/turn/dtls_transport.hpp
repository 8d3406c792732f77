// TURN over DTLS (RFC 7350): a handshake and records over another transport's datagrams. For this folder only.
#pragma once

#include <memory>

#include "turnkeeper/turn/secure_transport.hpp"
#include "turnkeeper/turn/tls_engine.hpp"

namespace turnkeeper::turn {

// `datagrams`: not started.
[[nodiscard]] std::unique_ptr<SecureTransport> make_dtls_transport(const boost::asio::any_io_executor& executor,
                                                                   std::unique_ptr<Transport> datagrams,
                                                                   std::shared_ptr<TlsContext> context,
                                                                   TlsEngine::Options options);

}  // namespace turnkeeper::turn
