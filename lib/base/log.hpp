// Structured logs on stderr: one line for each event, logfmt by default or JSON. Thread-safe.
//
//   log::info("verdict changed", {{"relay", "eu-0"}, {"verdict", "Unhealthy"}, {"cause", "data-path"}});
//   -> time=2026-08-01T12:00:00.123Z level=info msg="verdict changed" relay=eu-0 verdict=Unhealthy cause=data-path
//
// A Secret has no conversion to a field's value: logging one does not compile.
#pragma once

#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>

#include "turnkeeper/base/result.hpp"

namespace turnkeeper::log {

enum class Level { debug, info, warn, error };
enum class Format { logfmt, json };

struct Field {
  std::string key;
  std::string value;
  template <class T>
  requires std::convertible_to<T, std::string> Field(std::string k, T v) : key(std::move(k)), value(std::move(v)) {}
  Field(std::string k, std::string_view v) : key(std::move(k)), value(v) {}
  template <class T>
  requires std::integral<T> || std::floating_point<T> Field(std::string k, T v)
      : key(std::move(k)), value(std::to_string(v)) {}
};

using Fields = std::initializer_list<Field>;

// Call once, early in main. Without it: info, logfmt.
void configure(Level level, Format format);
// "debug", "info", "warn", "error"; "logfmt", "json".
[[nodiscard]] Result<Level> parse_level(std::string_view name);
[[nodiscard]] Result<Format> parse_format(std::string_view name);

void debug(std::string_view message, Fields fields = {});
void info(std::string_view message, Fields fields = {});
void warn(std::string_view message, Fields fields = {});
void error(std::string_view message, Fields fields = {});

// The line as it would be written, without the time: for tests and for other sinks.
[[nodiscard]] std::string render(Format format, Level level, std::string_view message, Fields fields);

}  // namespace turnkeeper::log
