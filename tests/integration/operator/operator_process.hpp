// A real operator process against a real API server: the fixture of this folder's tests.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/testbed.hpp"
#include "turnkeeper/base/child_process.hpp"
#include "turnkeeper/kube/client.hpp"

namespace turnkeeper::op {

inline const kube::ResourceType turn_clusters{"turnkeeper.io", "v1alpha1", "TurnCluster", "turnclusters"};

[[nodiscard]] inline Deadline in(std::chrono::seconds budget) {
  return Deadline::after(real_clock(), budget);
}

// Asks again and again until the answer is yes; false when that takes longer than `budget`.
bool eventually(const std::function<bool()>& answer, std::chrono::seconds budget = std::chrono::seconds(30));

// A file that goes with the object.
class TextFile {
 public:
  TextFile(const std::string& name, const std::string& text);
  ~TextFile();
  TextFile(const TextFile&) = delete;
  TextFile& operator=(const TextFile&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

// One turnkeeper-operator with free ports, its log in a file; killed with the object.
class OperatorProcess {
 public:
  OperatorProcess(const std::string& kubeconfig, std::vector<std::string> more = {});
  ~OperatorProcess();

  // As logged: set once the operator serves.
  [[nodiscard]] std::string metrics_address() const;
  [[nodiscard]] std::string grpc_address() const;
  // The value of one line of /metrics; -1 when there is none.
  [[nodiscard]] double metric(const std::string& name_and_labels) const;
  // Passes that did not fail.
  [[nodiscard]] double passes() const;
  [[nodiscard]] std::string log() const;
  [[nodiscard]] ChildProcess& process() { return *process_; }

 private:
  std::string log_path_;
  std::optional<ChildProcess> process_;
};

// How a start ended that does not serve.
struct Start {
  int status = 0;
  std::string text;  // stdout and stderr
};
[[nodiscard]] Start start_and_end(const std::vector<std::string>& arguments);

class OperatorTest : public ::testing::Test {
 protected:
  // One control plane for all tests of a program, with the CRD installed; each test has a namespace of its own.
  static void SetUpTestSuite();
  static void TearDownTestSuite() { part.reset(); }
  static void install_crd();
  void SetUp() override;

  [[nodiscard]] static std::string kubeconfig() { return part->info()["kubeconfig"]; }
  [[nodiscard]] nlohmann::json cluster(const std::string& name, const nlohmann::json& regions) const;
  void apply(const kube::ResourceType& type, const nlohmann::json& object, const std::string& subresource = "");
  [[nodiscard]] std::optional<nlohmann::json> get(const kube::ResourceType& type, const std::string& name);
  [[nodiscard]] std::vector<nlohmann::json> list(const kube::ResourceType& type);
  [[nodiscard]] bool exists(const kube::ResourceType& type, const std::string& name) {
    return get(type, name).has_value();
  }
  void remove(const kube::ResourceType& type, const std::string& name);
  // Makes the operator look again at a TurnCluster, without a reason to write, and waits until it has.
  void make_a_pass(OperatorProcess& op, nlohmann::json cluster);
  // A ready pod of a StatefulSet as its controller and a kubelet would leave it.
  void make_relay(const std::string& stateful_set, int ordinal, const std::string& address);
  // A custom resource of somebody else (external-dns, cert-manager), as far as the API server needs it; and its end.
  [[nodiscard]] static nlohmann::json definition_of(const kube::ResourceType& type);
  void remove_definition(const kube::ResourceType& type);
  // Everything a cluster of these regions has: "Kind name", sorted.
  [[nodiscard]] static std::vector<std::string> expected_children(const std::string& name,
                                                                  const std::vector<std::string>& regions);
  [[nodiscard]] std::vector<std::string> children();
  [[nodiscard]] nlohmann::json condition(const std::string& cluster, const std::string& type);
  // The test's namespace and the operator's requests that write into it, as the API server logged them.
  [[nodiscard]] std::vector<std::string> writes_by_operator() const;

  static std::unique_ptr<testbed::Part> part;
  std::string ns;
  std::unique_ptr<kube::Client> client;
};

}  // namespace turnkeeper::op
