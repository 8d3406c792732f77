// What is wrong with a TurnCluster that a person wrote: where it stands, what it is, what to write instead.
//
//   cluster.yaml:12:14: spec.regions[0].backups[0]: 'us-esat' is no region of this cluster; did you mean 'us-east'?
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "turnkeeper/base/result.hpp"

namespace turnkeeper::api {

struct Problem {
  std::string field;    // "spec.regions[0].backups[1]", as the API server writes it; empty: the document as a whole
  std::string message;  // without a full stop
  std::string advice;   // what to write instead; empty when the message says it all
  int line = 0;         // from 1; 0 when there is no file, as for an object of the API server
  int column = 0;
  bool operator==(const Problem&) const = default;
};

// Never empty where it stands for a failure; in the order of the file.
using Problems = std::vector<Problem>;

// "file:line:column: field: message; advice", leaving out what is not known. `file` may be empty.
[[nodiscard]] std::string problem_text(const Problem& problem, std::string_view file = {});
// One line for each problem.
[[nodiscard]] std::string problems_text(const Problems& problems, std::string_view file = {});

}  // namespace turnkeeper::api
