#include "turnkeeper/rpc/grpc_log.hpp"

#include <grpc/support/log.h>

#include <string_view>

#include "turnkeeper/base/log.hpp"

namespace turnkeeper {

void log_grpc() {
  gpr_set_log_function([](gpr_log_func_args* message) {
    const std::string_view text(message->message);
    if (text.find("Handshake failed") != std::string_view::npos) {
      log::warn("a TLS handshake of gRPC failed", {{"error", text}});
    } else {
      log::debug("grpc", {{"message", text}});
    }
  });
}

}  // namespace turnkeeper
