// Bytes from a stranger -> a Request. Beast reads the HTTP; what it means for a handler is decided here. Pure, and used
// again for the next request without new memory. Private to lib/http.
//
//   RequestParser parser(limits);
//   switch (parser.feed(bytes)) { ... }  // takes from the front of `bytes` what it has understood
#pragma once

#include <boost/beast/core/error.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "turnkeeper/http/message.hpp"

namespace turnkeeper::http {

struct Limits;

class RequestParser {
 public:
  explicit RequestParser(const Limits& limits);  // which outlive it
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  enum class State { more, complete, refused };
  // more: what is left of `bytes` is to be given again, with what follows it. complete: the request is whole, and what
  // is left belongs to the next one. refused: `refusal()` says how; nothing more can be read from this client.
  [[nodiscard]] State feed(std::string_view& bytes);
  // For the next request.
  void reset();

  [[nodiscard]] Request& request() { return request_; }
  [[nodiscard]] const Response& refusal() const { return refusal_; }
  [[nodiscard]] bool keep_alive() const;
  [[nodiscard]] unsigned version() const { return version_; }  // 10 or 11
  // The client waits to be told that it may send the body. True once.
  [[nodiscard]] bool take_expectation() { return std::exchange(expects_continue_, false); }
  // What it holds is more than a request of usual size needs.
  [[nodiscard]] bool bloated() const { return request_.body.capacity() > usual_body; }

 private:
  class Parser;
  static constexpr std::size_t usual_body = 16 * 1024;

  void on_target(std::string_view target);
  void on_field(std::string_view name, std::string_view value);
  void on_header();
  State refuse(int status, Error error);
  State refuse(const boost::beast::error_code& why);

  const Limits& limits_;
  std::unique_ptr<Parser> parser_;
  Request request_;
  Response refusal_;
  std::optional<Error> problem_;  // told when the header is whole
  std::size_t fields_ = 0;        // of request_.headers; those behind are of the last request
  std::size_t header_bytes_ = 0;
  unsigned version_ = 11;
  bool header_done_ = false;
  bool chunked_ = false;
  bool expects_continue_ = false;
};

}  // namespace turnkeeper::http
