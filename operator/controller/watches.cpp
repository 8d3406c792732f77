#include "operator/controller/watches.hpp"

#include <algorithm>

#include "operator/controller/kinds.hpp"
#include "operator/plan/record.hpp"
#include "operator/resources/vantage.hpp"

namespace turnkeeper::op {
namespace {

using nlohmann::json;

// A Secret that was never asked for is read at once, as a rule.
constexpr std::chrono::seconds time_to_read{2};
// Since then no Kubernetes can be without a StatefulSet's spec.ordinals; 1.25 and older refuse what has it.
constexpr kube::Release knows_ordinals{.major = 1, .minor = 31};

std::map<std::string, std::string> annotations_of(const json& object) {
  std::map<std::string, std::string> out;
  const json::json_pointer at("/metadata/annotations");
  if (!object.contains(at)) return out;
  for (const auto& [name, value] : object.at(at).items()) {
    if (value.is_string()) out.emplace(name, value.get<std::string>());
  }
  return out;
}

}  // namespace

Watches::Watches(kube::Client& client, const Clock& clock, kube::Client::Options remote,
                 std::function<void(const kube::ObjectKey&, bool)> wake)
    : clock_(clock),
      wake_(std::move(wake)),
      clusters_(client,
                {.type = turn_clusters,
                 .namespace_name = {},
                 .label_selector = {},
                 .field_selector = {},
                 .on_change = [this](const auto& change) { wake_(change.key, change.was_there && change.is_there); },
                 .if_unknown_kind = "install it: kubectl apply -f crds/turnclusters.yaml"},
                clock),
      home_(std::make_shared<Site>(
          "", client, clock, "",
          Site::Listeners{.child = [this](const kube::ObjectKey& cluster) { wake_(cluster, true); },
                          .pod = [this](const kube::ObjectKey& cluster) { wake_(cluster, false); },
                          .nodes =
                              [this] {
                                for (const auto& cluster : clusters_.store().keys()) {
                                  wake_(cluster, false);
                                }
                              }})),
      secrets_([this, &client, &clock](const kube::ObjectKey& secret) {
        return std::make_shared<SecretFollower>(client, clock, secret, [this, secret] {
          for (const auto& user : secrets_.users(secret)) wake_(user, false);
        });
      }),
      sites_([this, &client, &clock, remote = std::move(remote)](const kube::ObjectKey& secret) {
        const auto all = [this, secret] {
          for (const auto& user : sites_.users(secret)) wake_(user, false);
        };
        return std::make_shared<RemoteSite>(
            client, clock, secret, remote,
            RemoteSite::Listeners{.child = [this](const kube::ObjectKey& cluster) { wake_(cluster, true); },
                                  .pod = [this](const kube::ObjectKey& cluster) { wake_(cluster, false); },
                                  .all = all});
      }),
      thread_([this](std::stop_token stop) { clusters_.run(std::move(stop)); }) {}

Watches::~Watches() {
  thread_.request_stop();
}

kube::Result<> Watches::wait_until_synced(std::stop_token stop, Deadline deadline) const {
  if (auto read = kube::wait_until_synced({&clusters_}, clock_, stop, deadline); !read) return read;
  return home_->wait_until_synced(std::move(stop), deadline);
}

std::shared_ptr<const Site> Watches::site(const std::string& namespace_name, const std::string& name) const {
  if (name.empty()) return home_;
  const auto remote = sites_.find({namespace_name, name});
  return remote ? remote->look().site : nullptr;
}

void Watches::failed(const std::string& namespace_name, const std::string& name, const kube::Error& error) {
  if (const auto remote = name.empty() ? nullptr : sites_.find({namespace_name, name})) remote->failed(error);
}

Observed Watches::observe(const api::TurnCluster& cluster, const json& object) {
  const kube::ObjectKey key{cluster.namespace_name, cluster.name};
  Observed observed;
  observed.children = home_->children(key);
  observed.pods = home_->pods(key);
  observed.nodes[""] = home_->nodes();
  observed.annotations = annotations_of(object);
  observed.recorded = recorded_sites(object);
  if (auto at = parse_rfc3339(kube::text_at(object, "/metadata/deletionTimestamp"))) observed.deleted_at = *at;
  observed.status = object.value("status", json());

  std::set<kube::ObjectKey> secrets;
  for (const auto& name : referenced_secrets(cluster)) secrets.insert({key.namespace_name, name});
  auto followed = secrets;
  const bool has_vantages = vantage_tls_ && !vantages_of(cluster).empty();
  if (has_vantages) followed.insert(*vantage_tls_);
  secrets_.use(key, followed);
  if (has_vantages) {
    if (const auto seen = secrets_.find(*vantage_tls_)->look(time_to_read); seen.secret) {
      observed.vantage_tls = *seen.secret;
    }
  }
  for (const auto& name : secrets) {
    const auto seen = secrets_.find(name)->look(time_to_read);
    if (seen.secret) observed.secrets.emplace(name.name, *seen.secret);
    if (!seen.secret && seen.trouble) observed.unread_secrets.emplace(name.name, seen.trouble->text());
  }

  std::set<kube::ObjectKey> sites;
  for (const auto& site : sites_of(cluster)) sites.insert({key.namespace_name, site});
  for (const auto& site : observed.recorded) sites.insert({key.namespace_name, site});
  sites.erase({key.namespace_name, ""});
  sites_.use(key, sites);
  for (const auto& region : cluster.spec.regions) {
    if (site_of(region).empty()) continue;
    sites_.find({key.namespace_name, site_of(region)})->read_entry(region.kubeconfig.key);
  }
  for (const auto& name : sites) {
    const auto view = sites_.find(name)->look();
    if (!view.unreachable.empty()) observed.unreachable[name.name] = view.unreachable;
    if (!view.site) continue;
    if (view.release >= knows_ordinals) observed.may_start_higher.insert(name.name);
    std::ranges::move(view.site->children(key), std::back_inserter(observed.children));
    std::ranges::move(view.site->pods(key), std::back_inserter(observed.pods));
    observed.nodes[name.name] = view.site->nodes();
  }
  return observed;
}

std::string Watches::version_of(const kube::ObjectKey& cluster) const {
  return clusters().version_of(cluster);
}

Sight Watches::sight(const kube::ObjectKey& cluster) const {
  Sight sight = home_->sight(cluster);
  sight.add(turn_clusters.kind, cluster, version_of(cluster));
  return sight;
}

void Watches::forget(const kube::ObjectKey& cluster) {
  secrets_.use(cluster, {});
  sites_.use(cluster, {});
}

}  // namespace turnkeeper::op
