// TURN over TCP and TLS: a byte stream, with TLS in between or not, cut into messages. For this folder only.
#pragma once

#include <memory>

#include "turnkeeper/turn/byte_stream.hpp"
#include "turnkeeper/turn/secure_transport.hpp"
#include "turnkeeper/turn/tls_engine.hpp"

namespace turnkeeper::turn {

[[nodiscard]] std::unique_ptr<Transport> make_tcp_transport(boost::asio::ip::tcp::socket connected,
                                                            const SocketAddress& server);

[[nodiscard]] std::unique_ptr<SecureTransport> make_tls_transport(boost::asio::ip::tcp::socket connected,
                                                                  const SocketAddress& server,
                                                                  std::shared_ptr<TlsContext> context,
                                                                  TlsEngine::Options options);

}  // namespace turnkeeper::turn
