// What the operator makes for a TurnCluster of one region and the status that it first gives it, as a JSON list: the
// work of tests/bench/peers/operator, which puts other names in the place of x-name-x, x-namespace-x and x-uid-x. The
// last object is the TurnCluster with its status alone.
#include <iostream>
#include <nlohmann/json.hpp>

#include "operator/plan/plan.hpp"
#include "turnkeeper/api/parse.hpp"
#include "turnkeeper/base/clock.hpp"

int main() {
  using namespace turnkeeper;
  const nlohmann::json object = {
      {"apiVersion", "turnkeeper.io/v1alpha1"},
      {"kind", "TurnCluster"},
      {"metadata", {{"name", "x-name-x"}, {"namespace", "x-namespace-x"}, {"uid", "x-uid-x"}, {"generation", 1}}},
      {"spec", {{"realm", "turn.example.org"}, {"regions", {{{"name", "eu"}}}}}}};
  const auto cluster = api::parse_object(object);
  if (!cluster) {
    std::cerr << "child_objects: " << api::problems_text(cluster.error()) << '\n';
    return 1;
  }
  op::Settings settings;
  settings.agent_image = "turnkeeper:bench";
  const auto plan = op::plan(*cluster, op::Observed{}, settings, real_clock().system());
  auto list = nlohmann::json::array();
  for (const auto& placed : plan.create) list.push_back(placed.object);
  for (const auto& placed : plan.apply) list.push_back(placed.object);
  list.push_back({{"apiVersion", object["apiVersion"]},
                  {"kind", object["kind"]},
                  {"metadata", {{"name", "x-name-x"}, {"namespace", "x-namespace-x"}}},
                  {"status", plan.status}});
  std::cout << list.dump(1) << '\n';
}
