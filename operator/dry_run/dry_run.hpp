// `turnkeeper-operator plan`: what the operator would do for a TurnCluster in a file. Nothing is written: changes to
// objects that are there are put to the API server as dry runs, which also finds what it would refuse.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "operator/plan/plan.hpp"
#include "turnkeeper/base/result.hpp"

namespace turnkeeper::op {

struct DryRun {
  enum class Output { diff, yaml };  // what would change; or the objects that would be written, whole
  std::string file;                  // the TurnCluster
  Output output = Output::diff;
  bool offline = false;        // ask no API server: as if nothing were there yet
  std::string kubeconfig;      // empty: as the operator finds it
  std::string namespace_name;  // empty: the file's, else the kubeconfig context's, else "default"
  std::string agent_image;     // empty: the one that is in use there
};

// True when something would be written. What pods would be drained, gated or replaced depends on what monitors report
// and is not told.
[[nodiscard]] Result<bool> dry_run(const DryRun& request, std::ostream& out);

// The image of the agent in the StatefulSets that are there; empty when there are none.
[[nodiscard]] std::string agent_image_in_use(const std::vector<Placed>& children);

// How the monitors of vantages that are there reach the operator and each other; nothing when there are none.
[[nodiscard]] std::optional<VantageSettings> vantages_in_use(const std::vector<Placed>& children);

}  // namespace turnkeeper::op
