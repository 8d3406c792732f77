#include "operator/controller/remote_site.hpp"

#include "turnkeeper/base/content_hash.hpp"
#include "turnkeeper/base/encoding.hpp"
#include "turnkeeper/base/log.hpp"
#include "turnkeeper/kube/http_transport.hpp"
#include "turnkeeper/kube/kubeconfig.hpp"

namespace turnkeeper::op {
namespace {

constexpr std::chrono::seconds between_looks{5};
constexpr std::chrono::seconds patience{5};
constexpr std::chrono::milliseconds time_to_read_secret{500};
constexpr std::chrono::seconds time_to_read_all{15};
// So many looks in a row must fail: a watch that was cut is none of the cluster's troubles.
constexpr int misses_to_tell = 2;

}  // namespace

RemoteSite::RemoteSite(kube::Client& home, const Clock& clock, const kube::ObjectKey& secret,
                       kube::Client::Options options, Listeners listeners)
    : home_(home),
      clock_(clock),
      secret_(secret),
      options_(std::move(options)),
      listeners_(std::move(listeners)),
      follower_(home_, clock_, secret_,
                [this] {
                  std::lock_guard lock(mutex_);
                  look_now_ = true;
                  changed_.notify_all();
                }),
      thread_([this](std::stop_token stop) { run(std::move(stop)); }) {}

RemoteSite::~RemoteSite() {
  thread_.request_stop();
  std::lock_guard lock(mutex_);
  if (connection_) connection_->stop.request_stop();
}

RemoteSite::View RemoteSite::look() const {
  std::lock_guard lock(mutex_);
  // Shares the whole connection: a site outlives neither its client nor its transport.
  if (!connection_) return {nullptr, trouble_, {}};
  return {std::shared_ptr<const Site>(connection_, connection_->site.get()), trouble_, connection_->release};
}

void RemoteSite::read_entry(const std::string& entry) {
  std::lock_guard lock(mutex_);
  if (entry.empty() || entry == entry_) return;
  entry_ = entry;
  look_now_ = true;
  changed_.notify_all();
}

void RemoteSite::failed(const kube::Error& error) {
  if (error.kind != kube::ErrorKind::unreachable) return;
  {
    std::lock_guard lock(mutex_);
    misses_ = misses_to_tell;
  }
  tell(error.message);
}

void RemoteSite::run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    step(stop);
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stop, between_looks, [this] { return look_now_; });
    look_now_ = false;
  }
}

void RemoteSite::step(const std::stop_token& stop) {
  const auto text = kubeconfig();
  if (!text) return tell(text.error().text());
  std::shared_ptr<Connection> connection;
  {
    std::lock_guard lock(mutex_);
    if (connected_with_ == content_hash(*text)) connection = connection_;
  }
  if (connection) return check(*connection);
  auto fresh = connect(*text, stop);
  if (stop.stop_requested()) return;
  if (!fresh) return tell(fresh.error().text());
  {
    std::lock_guard lock(mutex_);
    connection_.swap(*fresh);
    connected_with_ = content_hash(*text);
    misses_ = 0;
  }
  tell({});
  listeners_.all();
}

Result<std::string> RemoteSite::kubeconfig() const {
  // One that is not there brings no news of itself.
  const auto seen = follower_.look(time_to_read_secret);
  const std::string name = "Secret " + secret_.text();
  if (!seen.known) {
    return seen.trouble ? fail(turnkeeper::Error(*seen.trouble)) : fail(not_asked_yet);
  }
  if (!seen.secret) return fail(name + ", which should hold the kubeconfig, does not exist", "create it");
  const auto data = seen.secret->find("data");
  if (data == seen.secret->end() || !data->is_object() || data->empty()) {
    return fail(name + " is empty", "put the kubeconfig into it");
  }
  std::string entry;
  {
    std::lock_guard lock(mutex_);
    entry = entry_;
  }
  auto found = data->find(entry);
  if (found == data->end() && data->size() == 1) found = data->begin();
  if (found == data->end() || !found->is_string()) return fail(name + " has no entry " + entry, "add it");
  return base64_decode(found->get<std::string>());
}

Result<std::shared_ptr<RemoteSite::Connection>> RemoteSite::connect(const std::string& kubeconfig,
                                                                    const std::stop_token& stop) {
  auto config = kube::parse_kubeconfig(kubeconfig, "Secret " + secret_.text());
  if (!config) return fail(config.error());
  auto transport = kube::connect(*config, clock_);
  if (!transport) return fail(transport.error());
  auto connection = std::make_shared<Connection>();
  const std::stop_callback ended(stop, [&] { connection->stop.request_stop(); });
  connection->client = std::make_unique<kube::Client>(*transport, connection->stop.get_token(), options_);
  auto release = connection->client->release(Deadline::after(clock_, patience));
  if (!release) return fail(turnkeeper::Error(release.error()));
  connection->release = *release;
  connection->site = std::make_unique<Site>(
      secret_.name, *connection->client, clock_, secret_.namespace_name,
      Site::Listeners{.child = listeners_.child, .pod = listeners_.pod, .nodes = listeners_.all});
  auto synced = connection->site->wait_until_synced(stop, Deadline::after(clock_, time_to_read_all));
  if (!synced) return fail(turnkeeper::Error(synced.error()));
  return connection;
}

void RemoteSite::check(Connection& connection) {
  std::optional<kube::Error> trouble;
  const auto release = connection.client->release(Deadline::after(clock_, patience));
  if (!release) {
    trouble = release.error();
  } else {
    trouble = connection.site->trouble();
  }
  bool enough = false;
  {
    std::lock_guard lock(mutex_);
    if (release) connection.release = *release;
    misses_ = trouble ? misses_ + 1 : 0;
    enough = misses_ >= misses_to_tell;
  }
  if (!trouble) return tell({});
  if (enough) tell(trouble->text());
}

void RemoteSite::tell(const std::string& trouble) {
  {
    std::lock_guard lock(mutex_);
    if (trouble == trouble_) return;
    if (trouble.empty()) {
      log::info("another cluster is reached", {{"kubeconfig", secret_.text()}});
    } else {
      log::warn("another cluster is not reached", {{"kubeconfig", secret_.text()}, {"why", trouble}});
    }
    trouble_ = trouble;
  }
  listeners_.all();
}

}  // namespace turnkeeper::op
