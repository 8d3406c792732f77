// How requests reach the API server: the one interface between this folder's logic and an HTTP library. Tests implement
// it with a script; http_transport.hpp with Boost.Beast.
// Implementations are thread-safe: any number of threads may call send() and open() at once.
#pragma once

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>

#include "turnkeeper/base/deadline.hpp"
#include "turnkeeper/kube/error.hpp"

namespace turnkeeper::kube {

struct Request {
  std::string method;        // "GET", "PATCH", ...
  std::string path;          // absolute, with its query: "/api/v1/pods?limit=500"
  std::string content_type;  // of the body
  std::string body;
  std::string accept = "application/json";
};

struct Response {
  int status = 0;
  std::string body;
  std::chrono::seconds retry_after{0};  // the header Retry-After; 0 without one
};

// A response body that goes on: a watch. Used from one thread. Closed by destruction.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // Blocks for the next bytes, of any length; empty when the server ended the body properly. An error when it was cut
  // short, when nothing came for longer than agreed, or at once when stop was requested (ErrorKind::cancelled).
  [[nodiscard]] virtual Result<std::string> read() = 0;
};

struct Opened {
  Response response;                   // the body too, unless the status is 200
  std::unique_ptr<ByteStream> stream;  // null unless the status is 200
};

class Transport {
 public:
  virtual ~Transport() = default;
  // The complete answer, whatever its status. An error only when there is none by the deadline or after stop.
  [[nodiscard]] virtual Result<Response> send(const Request& request, Deadline deadline, std::stop_token stop) = 0;
  // Starts a GET whose body is read as it comes. `quiet`: for how long the server may send nothing.
  [[nodiscard]] virtual Result<Opened> open(const Request& request, std::chrono::seconds quiet,
                                            std::stop_token stop) = 0;
};

}  // namespace turnkeeper::kube
