#include "cli/cluster_file.hpp"

#include "turnkeeper/api/parse.hpp"

namespace turnkeeper::cli {

Result<api::TurnCluster> read_cluster(const std::string& file) {
  auto cluster = api::parse_file(file);
  if (cluster) return std::move(*cluster);
  std::string text = api::problems_text(cluster.error(), file);
  while (text.ends_with('\n')) text.pop_back();
  return fail(std::move(text));
}

}  // namespace turnkeeper::cli
