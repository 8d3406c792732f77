#include "operator_process.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <regex>
#include <thread>

#include "audit.hpp"
#include "turnkeeper/http/client.hpp"
#include "turnkeeper/kube/config.hpp"
#include "turnkeeper/kube/http_transport.hpp"

namespace turnkeeper::op {

using nlohmann::json;
using namespace std::chrono_literals;

namespace {

const std::string program = TURNKEEPER_BINARY_DIR "/bin/turnkeeper-operator";

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string unique(const std::string& prefix) {
  static int number = 0;
  return prefix + "-" + std::to_string(::getpid()) + "-" + std::to_string(++number);
}

std::string first_match(const std::string& text, const std::string& pattern) {
  std::smatch match;
  return std::regex_search(text, match, std::regex(pattern)) ? match[1].str() : std::string();
}

}  // namespace

bool eventually(const std::function<bool()>& answer, std::chrono::seconds budget) {
  const Deadline deadline = in(budget);
  while (!answer()) {
    if (deadline.expired(real_clock())) return false;
    std::this_thread::sleep_for(20ms);
  }
  return true;
}

TextFile::TextFile(const std::string& name, const std::string& text)
    : path_(::testing::TempDir() + unique("turnkeeper") + '-' + name) {
  std::ofstream(path_) << text;
}

TextFile::~TextFile() {
  std::remove(path_.c_str());
}

OperatorProcess::OperatorProcess(const std::string& kubeconfig, std::vector<std::string> more)
    : log_path_(::testing::TempDir() + unique("turnkeeper-operator") + ".log") {
  std::vector<std::string> argv{program, "--agent-image=turnkeeper:test", "--kubeconfig=" + kubeconfig,
                                "--metrics-listen=127.0.0.1:0"};
  if (std::ranges::none_of(more, [](const auto& flag) { return flag.starts_with("--issue-tls="); })) {
    argv.emplace_back("--insecure-grpc");
  }
  if (std::ranges::none_of(more, [](const auto& flag) { return flag.starts_with("--grpc-listen="); })) {
    argv.emplace_back("--grpc-listen=127.0.0.1:0");
  }
  argv.insert(argv.end(), more.begin(), more.end());
  auto started = ChildProcess::start({.argv = std::move(argv), .log_path = log_path_});
  EXPECT_TRUE(started) << started.error().text();
  process_.emplace(std::move(*started));
}

OperatorProcess::~OperatorProcess() {
  if (::testing::Test::HasFailure()) std::cerr << "--- the operator's log:\n" << log() << "---\n";
  process_.reset();
  std::remove(log_path_.c_str());
}

std::string OperatorProcess::log() const {
  return read_file(log_path_);
}

std::string OperatorProcess::metrics_address() const {
  std::string address;
  EXPECT_TRUE(eventually([&] {
    address = first_match(log(), "serving probes and metrics\" address=(\\S+)");
    return !address.empty();
  }));
  return address;
}

std::string OperatorProcess::grpc_address() const {
  std::string port;
  EXPECT_TRUE(eventually([&] {
    port = first_match(log(), "serving monitors\" port=(\\d+)");
    return !port.empty();
  }));
  return "127.0.0.1:" + port;
}

double OperatorProcess::metric(const std::string& name_and_labels) const {
  auto reply = http::fetch("http://" + metrics_address(), {.target = "/metrics"}, in(10s));
  if (!reply) return -1;
  const std::string line = "\n" + name_and_labels + " ";
  const auto at = reply->body.find(line);
  return at == std::string::npos ? -1 : std::stod(reply->body.substr(at + line.size()));
}

double OperatorProcess::passes() const {
  const std::string total = R"(controller_runtime_reconcile_total{controller="turncluster",result=")";
  return metric(total + "success\"}") + metric(total + "requeue_after\"}");
}

Start start_and_end(const std::vector<std::string>& arguments) {
  std::vector<std::string> argv{program};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  auto done = run_command(argv, in(40s));
  EXPECT_TRUE(done) << done.error().text();
  return done ? Start{done->status, done->text} : Start{};
}

std::unique_ptr<testbed::Part> OperatorTest::part;

void OperatorTest::SetUpTestSuite() {
  auto started = testbed::Part::start({"control-plane"}, in(600s));
  ASSERT_TRUE(started) << started.error().text();
  part = std::make_unique<testbed::Part>(std::move(*started));
  ASSERT_NO_FATAL_FAILURE(install_crd());
}

void OperatorTest::install_crd() {
  auto installed = run_command({part->info()["kubectl"], "--kubeconfig", part->info()["kubeconfig"], "apply",
                                "--server-side", "-f", TURNKEEPER_SOURCE_DIR "/crds/turnclusters.yaml"},
                               in(30s));
  ASSERT_TRUE(installed) << installed.error().text();
  ASSERT_EQ(installed->status, 0) << installed->text;
}

void OperatorTest::SetUp() {
  ASSERT_TRUE(part);
  auto config = kube::load_config({.kubeconfig_flag = kubeconfig()}, kube::Environment{});
  ASSERT_TRUE(config) << config.error().text();
  auto transport = kube::connect(*config, real_clock());
  ASSERT_TRUE(transport) << transport.error().text();
  client = std::make_unique<kube::Client>(*transport);
  ns = unique("test");
  auto made =
      client->apply(kube::namespaces, {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", ns}}}},
                    {.field_manager = "test"}, in(10s));
  ASSERT_TRUE(made) << made.error().text();
  ASSERT_TRUE(eventually([&] { return client->list(turn_clusters, ns, {}, in(5s)).has_value(); })) << "the CRD";
}

json OperatorTest::cluster(const std::string& name, const json& regions) const {
  return {{"apiVersion", "turnkeeper.io/v1alpha1"},
          {"kind", "TurnCluster"},
          {"metadata", {{"name", name}, {"namespace", ns}}},
          {"spec", {{"realm", "turn.example.org"}, {"regions", regions}}}};
}

void OperatorTest::apply(const kube::ResourceType& type, const json& object, const std::string& subresource) {
  const kube::ApplyOptions options{.field_manager = "test"};
  auto applied = subresource.empty() ? client->apply(type, object, options, in(10s))
                                     : client->apply_status(type, object, options, in(10s));
  ASSERT_TRUE(applied) << applied.error().text();
}

std::optional<json> OperatorTest::get(const kube::ResourceType& type, const std::string& name) {
  auto object = client->get(type, {ns, name}, in(10s));
  if (object) return std::move(*object);
  EXPECT_EQ(object.error().kind, kube::ErrorKind::not_found) << object.error().text();
  return std::nullopt;
}

std::vector<json> OperatorTest::list(const kube::ResourceType& type) {
  auto listed = client->list(type, ns, {}, in(10s));
  EXPECT_TRUE(listed) << listed.error().text();
  return listed ? std::move(listed->items) : std::vector<json>{};
}

void OperatorTest::remove(const kube::ResourceType& type, const std::string& name) {
  auto removed = client->remove(type, {ns, name}, {}, in(10s));
  ASSERT_TRUE(removed) << removed.error().text();
}

void OperatorTest::make_a_pass(OperatorProcess& op, json cluster) {
  const double before = op.passes();
  cluster["metadata"]["annotations"]["touched"] = std::to_string(before);
  apply(turn_clusters, cluster);
  ASSERT_TRUE(eventually([&] { return op.passes() > before; }));
}

void OperatorTest::make_relay(const std::string& stateful_set, int ordinal, const std::string& address) {
  const json tmpl = (*get(kube::stateful_sets, stateful_set))["spec"]["template"];
  json pod = {{"apiVersion", "v1"},
              {"kind", "Pod"},
              {"metadata",
               {{"name", stateful_set + '-' + std::to_string(ordinal)},
                {"namespace", ns},
                {"labels", tmpl["metadata"]["labels"]},
                {"annotations", tmpl["metadata"]["annotations"]}}},
              {"spec",
               {{"nodeName", "node1"},
                {"automountServiceAccountToken", false},
                {"serviceAccountName", stateful_set},
                {"containers",
                 {{{"name", "relay"}, {"image", "coturn"}, {"ports", tmpl["spec"]["containers"][0]["ports"]}}}}}}};
  pod["metadata"]["labels"]["controller-revision-hash"] = "first";
  apply(kube::pods, pod);
  pod.erase("spec");
  pod["status"] = {
      {"phase", "Running"},
      {"podIP", address},
      {"podIPs", {{{"ip", address}}}},
      {"conditions", {{{"type", "ContainersReady"}, {"status", "True"}}, {{"type", "Ready"}, {"status", "True"}}}}};
  apply(kube::pods, pod, "status");
}

json OperatorTest::definition_of(const kube::ResourceType& type) {
  const std::string name = type.plural + "." + type.group;
  std::string singular = type.kind;
  for (char& letter : singular) letter = static_cast<char>(std::tolower(letter));
  return {{"apiVersion", "apiextensions.k8s.io/v1"},
          {"kind", "CustomResourceDefinition"},
          {"metadata", {{"name", name}, {"annotations", {{"api-approved.kubernetes.io", "unapproved, for tests"}}}}},
          {"spec",
           {{"group", type.group},
            {"scope", "Namespaced"},
            {"names", {{"kind", type.kind}, {"plural", type.plural}, {"singular", singular}}},
            {"versions",
             {{{"name", type.version},
               {"served", true},
               {"storage", true},
               {"schema",
                {{"openAPIV3Schema", {{"type", "object"}, {"x-kubernetes-preserve-unknown-fields", true}}}}}}}}}}};
}

void OperatorTest::remove_definition(const kube::ResourceType& type) {
  auto removed = client->remove(kube::custom_resource_definitions, {"", type.plural + "." + type.group}, {}, in(10s));
  EXPECT_TRUE(removed) << removed.error().text();
}

std::vector<std::string> OperatorTest::expected_children(const std::string& name,
                                                         const std::vector<std::string>& regions) {
  std::vector<std::string> out{"Secret " + name + "-signing-keys"};
  for (const auto& region : regions) {
    for (const char* kind :
         {"ConfigMap", "NetworkPolicy", "PodDisruptionBudget", "Service", "ServiceAccount", "StatefulSet"}) {
      out.push_back(std::string(kind) + " " + name + "-" + region);
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<std::string> OperatorTest::children() {
  std::vector<std::string> out;
  for (const auto& type : {kube::config_maps, kube::secrets, kube::services, kube::service_accounts,
                           kube::stateful_sets, kube::pod_disruption_budgets, kube::network_policies}) {
    for (const auto& object : list(type)) {
      if (object["metadata"].contains("ownerReferences")) out.push_back(type.kind + " " + kube::key_of(object).name);
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

json OperatorTest::condition(const std::string& name, const std::string& type) {
  const auto object = get(turn_clusters, name);
  if (!object || !object->contains("/status/conditions"_json_pointer)) return nullptr;
  for (const auto& condition : (*object)["status"]["conditions"]) {
    if (condition["type"] == type) return condition;
  }
  return nullptr;
}

std::vector<std::string> OperatorTest::writes_by_operator() const {
  std::vector<std::string> out;
  for (const auto& request : audited(*part)) {
    if (request.writes() && request.uri.find("/namespaces/" + ns + "/") != std::string::npos &&
        request.uri.find("fieldManager=test") == std::string::npos && request.agent.starts_with("turnkeeper")) {
      out.push_back(request.verb + " " + request.uri);
    }
  }
  return out;
}

}  // namespace turnkeeper::op
