// gRPC writes to stderr in a form of its own, for its authors. From the first call of this on, it writes to our log.
#pragma once

namespace turnkeeper {

// At the debug level, but for failed handshakes: nothing else tells why somebody cannot connect. Thread-safe; to be
// called before a server listens.
void log_grpc();

}  // namespace turnkeeper
