// One YAML document as JSON, with the place in the file of everything in it. The only file pair that sees yaml-cpp.
//
// Scalars mean what they mean to kubectl (YAML 1.1 booleans such as `no` included): quoted ones are text, plain ones
// may be numbers, booleans or null. JSON is YAML, so JSON files are read as well.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "turnkeeper/api/problem.hpp"

namespace turnkeeper::api {

struct Place {
  int line = 0;  // from 1; 0: unknown
  int column = 0;
};

// Places by field path, "spec.regions[0].name"; "" is the document itself.
struct Places {
  std::map<std::string, Place, std::less<>> keys;
  std::map<std::string, Place, std::less<>> values;

  [[nodiscard]] bool contains(std::string_view field) const { return values.find(field) != values.end(); }
  // Where the value stands; for a field that is not in the file, its nearest parent that is.
  [[nodiscard]] Place value(std::string_view field) const;
};

struct YamlDocument {
  nlohmann::json value;
  Places places;
  Problems problems;  // such as a key given twice; the rest is readable
};

// A text that is no YAML, or not exactly one document, is one problem with its place.
[[nodiscard]] tl::expected<YamlDocument, Problem> read_yaml(std::string_view text);

}  // namespace turnkeeper::api
