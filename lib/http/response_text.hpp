// A Response as it goes over the wire. Private to lib/http.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "turnkeeper/http/message.hpp"

namespace turnkeeper::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Framing {
  unsigned version = 11;  // the client's: 10 or 11
  bool keep_alive = true;
  bool head = false;  // the answer to a HEAD request: everything but the body
};

// Status line, header and body, behind what is there; `more` are headers beside the response's own. A line break in a
// header's value is left out, so that nothing that a client sent can begin a header of its own.
void append_response(std::string& out, const Response& response, Framing framing, const Headers& more = {});

// The header of an event stream, whose end is the end of the connection.
void append_stream_header(std::string& out, const Headers& more = {});

}  // namespace turnkeeper::http
