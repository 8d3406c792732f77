// Requests to the Kubernetes API as functions. Every answer is a value or a kube::Error with a kind.
//
//   Client client(transport);
//   auto applied = client.apply(kube::config_maps, object, {.field_manager = "turnkeeper-operator"}, deadline);
//
// Thread-safe. GET and server-side apply are sent a second time when the connection broke (the API server may have
// closed an idle one); nothing else is ever repeated.
#pragma once

#include <compare>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "turnkeeper/base/deadline.hpp"
#include "turnkeeper/kube/error.hpp"
#include "turnkeeper/kube/packing.hpp"
#include "turnkeeper/kube/resource.hpp"
#include "turnkeeper/kube/transport.hpp"

namespace turnkeeper::kube {

struct ListOptions {
  std::string label_selector;    // "app=x,!y"
  std::string field_selector;    // "metadata.name=x"
  std::string resource_version;  // empty: the newest there is; else at least as new as this
};

struct ObjectList {
  std::vector<nlohmann::json> items;  // each with apiVersion and kind filled in
  std::string resource_version;       // to watch from
};

struct ApplyOptions {
  std::string field_manager;
  bool force = true;     // take over fields that another manager set
  bool dry_run = false;  // only say what would become of it
};

struct DeleteOptions {
  std::string uid;                            // delete only the object with this uid; empty: whichever has the name
  std::string resource_version;               // delete only this version; empty: any
  std::optional<std::chrono::seconds> grace;  // until a pod's containers are killed; unset: as the pod says
};

// Of Kubernetes: 1.31. 0.0 where an API server does not tell it.
struct Release {
  int major = 0;
  int minor = 0;
  auto operator<=>(const Release&) const = default;
};

class Client {
 public:
  // Both are called by whichever thread makes a request.
  struct Options {
    // After each answer, for metrics: HTTP status (0: no answer) and method.
    std::function<void(int status, const std::string& method)> observer;
    // Before each request that changes something, also one in the middle of many: false, and it fails as fenced. For a
    // leader that may have slept through its lease.
    std::function<bool()> may_write;
  };

  // When `stop` is requested, requests in flight end at once with ErrorKind::cancelled.
  explicit Client(std::shared_ptr<Transport> transport, std::stop_token stop = {}, Options options = {});

  // Is the API server there, does it know us, and of what release is it?
  [[nodiscard]] Result<Release> release(Deadline deadline);
  [[nodiscard]] Result<nlohmann::json> get(const ResourceType& type, const ObjectKey& key, Deadline deadline);
  // All pages, 500 objects each. An empty namespace: all namespaces.
  [[nodiscard]] Result<ObjectList> list(const ResourceType& type, const std::string& namespace_name,
                                        const ListOptions& options, Deadline deadline);
  // Server-side apply: creates the object or sets exactly the fields given; fields given earlier by the same manager
  // and no longer given are removed. The object carries apiVersion, kind and metadata. Returns the object as it now is.
  [[nodiscard]] Result<nlohmann::json> apply(const ResourceType& type, const nlohmann::json& object,
                                             const ApplyOptions& options, Deadline deadline);
  // The same on the status subresource.
  [[nodiscard]] Result<nlohmann::json> apply_status(const ResourceType& type, const nlohmann::json& object,
                                                    const ApplyOptions& options, Deadline deadline);
  // The same two for who needs no more than the receipt: the rest is not even sent. `text` is the object's JSON.
  [[nodiscard]] Result<Receipt> write(const ResourceType& type, const ObjectKey& key, const std::string& text,
                                      const ApplyOptions& options, Deadline deadline);
  [[nodiscard]] Result<Receipt> write_status(const ResourceType& type, const nlohmann::json& object,
                                             const ApplyOptions& options, Deadline deadline);
  // create() likewise.
  [[nodiscard]] Result<Receipt> write_new(const ResourceType& type, const ObjectKey& key, std::string text,
                                          Deadline deadline);
  // already_exists when it does.
  [[nodiscard]] Result<nlohmann::json> create(const ResourceType& type, const nlohmann::json& object,
                                              Deadline deadline);
  // Replaces the object; conflict when its resourceVersion is not the newest.
  [[nodiscard]] Result<nlohmann::json> replace(const ResourceType& type, const nlohmann::json& object,
                                               Deadline deadline);
  // conflict when a precondition does not hold. Dependents go by garbage collection in the background.
  [[nodiscard]] Result<> remove(const ResourceType& type, const ObjectKey& key, const DeleteOptions& options,
                                Deadline deadline);
  // The stream of JSON lines that reports changes after `resource_version`, with bookmarks; the server ends it after
  // `timeout`.
  [[nodiscard]] Result<std::unique_ptr<ByteStream>> watch(const ResourceType& type, const std::string& namespace_name,
                                                          const ListOptions& options, std::chrono::seconds timeout,
                                                          std::stop_token stop);

 private:
  Result<Response> send(const Request& request, Deadline deadline);
  // The body of an answer that says yes.
  Result<std::string> ask(const Request& request, const std::string& what, bool repeatable, Deadline deadline);
  Result<nlohmann::json> exchange(const Request& request, const std::string& what, bool repeatable, Deadline deadline);
  Result<Receipt> receipt(Request request, const std::string& what, bool repeatable, Deadline deadline);
  [[nodiscard]] static Request patch(const std::string& path, std::string text, const ApplyOptions& options);

  std::shared_ptr<Transport> transport_;
  std::stop_token stop_;
  const Options options_;
};

}  // namespace turnkeeper::kube
