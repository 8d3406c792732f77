// Result<T>: a value, or an Error that says what failed, where, and what to do next.
//
//   Result<Config> load(const std::string& path) {
//     auto text = read_file(path);
//     if (!text) return fail(text.error().within("load " + path));
//     ...
//   }
//
// No function of this project throws across a folder's boundary; a library that throws is met inside the file that
// includes it.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace turnkeeper {

struct Error {
  std::string message;  // what failed and where, one line, no trailing full stop
  std::string advice;   // the reader's next step, one sentence; empty where there is none

  // The same error seen from further out: "context: message".
  [[nodiscard]] Error within(const std::string& context) const { return {context + ": " + message, advice}; }
  // One line for a person: "message; advice".
  [[nodiscard]] std::string text() const { return advice.empty() ? message : message + "; " + advice; }
  bool operator==(const Error&) const = default;
};

template <class T = void>
using Result = tl::expected<T, Error>;

[[nodiscard]] inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}
[[nodiscard]] inline tl::unexpected<Error> fail(std::string message, std::string advice = {}) {
  return tl::unexpected<Error>(Error{std::move(message), std::move(advice)});
}

}  // namespace turnkeeper
