// The commands of turnctl. Each adds itself, with its options and its help, and stores what it does in `run` when the
// command line chooses it.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "turnkeeper/base/result.hpp"

namespace turnkeeper::cli {

// An error is printed on stderr and makes the exit code 1.
using Run = std::function<Result<void>()>;

void add_up(CLI::App& app, Run& run);
void add_relay(CLI::App& app, Run& run);
void add_ice(CLI::App& app, Run& run);
void add_probe(CLI::App& app, Run& run);
void add_validate(CLI::App& app, Run& run);
void add_drill(CLI::App& app, Run& run);
void add_status(CLI::App& app, Run& run);
void add_rotate(CLI::App& app, Run& run);
void add_api_key(CLI::App& app, Run& run);

inline constexpr const char* default_url = "http://127.0.0.1:8480";

}  // namespace turnkeeper::cli
