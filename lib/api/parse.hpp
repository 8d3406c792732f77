// Reads a TurnCluster, from a file that a person wrote or from an object of the API server, fills in the defaults, lays
// each region's `relay:` over `spec.relay`, and validates it. What comes out is fit for use.
//
//   auto cluster = api::parse_file("cluster.yaml");
//   if (!cluster) std::cerr << api::problems_text(cluster.error(), "cluster.yaml") << '\n';
//
// All problems are reported at once. A region's `relay:` overrides single fields: mappings (ports, limits, peers,
// nodeSelector, annotations) are laid over key by key, lists and `resources` are replaced.
// Pure but for parse_file's reading of the file; thread-safe.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "turnkeeper/api/problem.hpp"
#include "turnkeeper/api/turn_cluster.hpp"

namespace turnkeeper::api {

using ParsedCluster = tl::expected<TurnCluster, Problems>;

// Exactly one YAML (or JSON) document. Fields that do not exist are problems, with the nearest one that does.
[[nodiscard]] ParsedCluster parse_text(std::string_view yaml);
// As parse_text. A file that cannot be read is a problem without a line.
[[nodiscard]] ParsedCluster parse_file(const std::string& path);
// An object as the API server returns it. Unknown fields are ignored: the server may be newer than this program.
[[nodiscard]] ParsedCluster parse_object(const nlohmann::json& object);

}  // namespace turnkeeper::api
