#include "turnkeeper/base/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <nlohmann/json.hpp>

namespace turnkeeper::log {
namespace {

std::atomic<Format> current_format{Format::logfmt};

std::string_view name_of(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warn:
      return "warn";
    case Level::error:
      return "error";
  }
  return "info";
}

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warn:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::string json_string(std::string_view text) {
  // Bytes that are no UTF-8 come from the network; they must not stop a log line.
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string logfmt_value(std::string_view text) {
  const bool plain =
      !text.empty() && text.find_first_of(" \"=\\\t\r\n") == std::string_view::npos &&
      std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x20; });
  return plain ? std::string(text) : json_string(text);
}

spdlog::logger& logger() {
  // Never destroyed: threads may still log while static objects go.
  static auto* const instance = [] {
    auto* made = new spdlog::logger("turnkeeper", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("time=%Y-%m-%dT%H:%M:%S.%eZ %v", spdlog::pattern_time_type::utc);
    made->flush_on(spdlog::level::debug);
    return made;
  }();
  return *instance;
}

void write(Level level, std::string_view message, Fields fields) {
  if (!logger().should_log(to_spdlog(level))) return;
  logger().log(to_spdlog(level), "{}", render(current_format, level, message, fields));
}

}  // namespace

void configure(Level level, Format format) {
  current_format = format;
  logger().set_level(to_spdlog(level));
  logger().set_pattern(
      format == Format::json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ",%v)" : "time=%Y-%m-%dT%H:%M:%S.%eZ %v",
      spdlog::pattern_time_type::utc);
}

Result<Level> parse_level(std::string_view name) {
  for (const Level level : {Level::debug, Level::info, Level::warn, Level::error}) {
    if (name == name_of(level)) return level;
  }
  return fail("unknown log level '" + std::string(name) + "'", "use debug, info, warn or error");
}

Result<Format> parse_format(std::string_view name) {
  if (name == "logfmt") return Format::logfmt;
  if (name == "json") return Format::json;
  return fail("unknown log format '" + std::string(name) + "'", "use logfmt or json");
}

std::string render(Format format, Level level, std::string_view message, Fields fields) {
  std::string line;
  if (format == Format::json) {
    line = R"("level":)" + json_string(name_of(level)) + R"(,"msg":)" + json_string(message);
    for (const auto& field : fields) line += ',' + json_string(field.key) + ':' + json_string(field.value);
    return line + '}';
  }
  line = "level=" + std::string(name_of(level)) + " msg=" + json_string(message);
  for (const auto& field : fields) line += ' ' + field.key + '=' + logfmt_value(field.value);
  return line;
}

void debug(std::string_view message, Fields fields) {
  write(Level::debug, message, fields);
}
void info(std::string_view message, Fields fields) {
  write(Level::info, message, fields);
}
void warn(std::string_view message, Fields fields) {
  write(Level::warn, message, fields);
}
void error(std::string_view message, Fields fields) {
  write(Level::error, message, fields);
}

}  // namespace turnkeeper::log
