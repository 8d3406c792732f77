// A string that cannot be printed, logged, compared in variable time or left in freed memory.
//
//   Secret key = Secret::random(32);
//   hmac(key.reveal(), ...);      // the only way out is this word, easy to find in a review
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>

#include "turnkeeper/base/result.hpp"

namespace turnkeeper {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(const Secret&) = default;
  Secret& operator=(const Secret& other);
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  // `bytes` of randomness as lower-case hexadecimal, so twice as many characters.
  [[nodiscard]] static Secret random(std::size_t bytes);
  // The file's contents without trailing newlines.
  [[nodiscard]] static Result<Secret> from_file(const std::string& path);

  [[nodiscard]] const std::string& reveal() const { return value_; }
  [[nodiscard]] bool empty() const { return value_.empty(); }
  // Constant time in the contents.
  bool operator==(const Secret& other) const;

 private:
  void wipe();
  std::string value_;
};

std::ostream& operator<<(std::ostream&, const Secret&) = delete;

}  // namespace turnkeeper
