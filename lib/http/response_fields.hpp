// From Beast's response to ours. Private to lib/http.
#pragma once

#include "turnkeeper/http/client.hpp"

namespace turnkeeper::http {

// Status and headers; the body is the caller's.
template <class Message>
ClientResponse response_fields(const Message& message) {
  ClientResponse response;
  response.status = static_cast<int>(message.result_int());
  for (const auto& field : message) {
    std::string name(field.name_string());
    for (char& c : name) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    response.headers[name] = std::string(field.value());
  }
  return response;
}

}  // namespace turnkeeper::http
