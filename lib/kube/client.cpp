#include "turnkeeper/kube/client.hpp"

#include <charconv>

#include "turnkeeper/base/encoding.hpp"
#include "turnkeeper/kube/json_text.hpp"

namespace turnkeeper::kube {
namespace {

using nlohmann::json;

constexpr int page_size = 500;
// On top of the timeout the server was given: its last bytes need time to arrive.
constexpr std::chrono::seconds watch_margin{30};

std::string describe(const std::string& verb, const ResourceType& type, const ObjectKey& key) {
  return verb + " " + type.kind + " " + key.text();
}

void add(std::string& query, const std::string& name, const std::string& value) {
  if (value.empty()) return;
  query += (query.empty() ? "?" : "&") + name + "=" + percent_encode(value);
}

Error error_of(const Response& response, const std::string& what) {
  Error error = error_from_status(response.status, response.body, what);
  if (response.retry_after.count() > 0) error.retry_after = response.retry_after;
  return error;
}

// Some add something: "31+".
int leading_number(const std::string& text) {
  int number = 0;
  (void)std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

Client::Client(std::shared_ptr<Transport> transport, std::stop_token stop, Options options)
    : transport_(std::move(transport)), stop_(std::move(stop)), options_(std::move(options)) {}

Result<Response> Client::send(const Request& request, Deadline deadline) {
  if (options_.may_write && request.method != "GET" && !options_.may_write()) {
    return fail(Error(ErrorKind::fenced, "not sent: the lease was not renewed in time, another may lead now"));
  }
  auto response = transport_->send(request, deadline, stop_);
  if (options_.observer) options_.observer(response ? response->status : 0, request.method);
  return response;
}

Result<std::string> Client::ask(const Request& request, const std::string& what, bool repeatable, Deadline deadline) {
  auto response = send(request, deadline);
  if (!response && repeatable && response.error().kind == ErrorKind::unreachable) response = send(request, deadline);
  if (!response) return fail(response.error().within(what));
  if (response->status < 200 || response->status >= 300) return fail(error_of(*response, what));
  return std::move(response->body);
}

Result<Receipt> Client::receipt(Request request, const std::string& what, bool repeatable, Deadline deadline) {
  request.accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
  auto body = ask(request, what, repeatable, deadline);
  if (!body) return fail(body.error());
  auto receipt = read_receipt(*body);
  if (!receipt) return fail(Error(ErrorKind::unexpected, what + ": the answer is no object"));
  return std::move(*receipt);
}

Result<json> Client::exchange(const Request& request, const std::string& what, bool repeatable, Deadline deadline) {
  auto body = ask(request, what, repeatable, deadline);
  if (!body) return fail(body.error());
  json value = json::parse(*body, nullptr, false);
  if (value.is_discarded()) return fail(Error(ErrorKind::unexpected, what + ": the answer is not JSON"));
  return value;
}

Result<Release> Client::release(Deadline deadline) {
  const auto answer = exchange({"GET", "/version", {}, {}}, "ask for the version", false, deadline);
  if (!answer) return fail(answer.error());
  return Release{.major = leading_number(text_at(*answer, "/major")),
                 .minor = leading_number(text_at(*answer, "/minor"))};
}

Result<json> Client::get(const ResourceType& type, const ObjectKey& key, Deadline deadline) {
  return exchange({"GET", type.object_path(key), {}, {}}, describe("get", type, key), true, deadline);
}

Result<ObjectList> Client::list(const ResourceType& type, const std::string& namespace_name, const ListOptions& options,
                                Deadline deadline) {
  const std::string what = "list " + type.plural;
  ObjectList out;
  std::string next;
  bool paged = true;
  while (true) {
    std::string query;
    if (paged) add(query, "limit", std::to_string(page_size));
    add(query, "labelSelector", options.label_selector);
    add(query, "fieldSelector", options.field_selector);
    if (!next.empty()) {
      add(query, "continue", next);
    } else if (!options.resource_version.empty()) {
      add(query, "resourceVersion", options.resource_version);
      add(query, "resourceVersionMatch", "NotOlderThan");
    }
    auto page = exchange({"GET", type.collection_path(namespace_name) + query, {}, {}}, what, true, deadline);
    if (!page && page.error().kind == ErrorKind::gone && !next.empty()) {
      // The pages came too slowly and their snapshot is gone: once more, all in one answer.
      out = {};
      next.clear();
      paged = false;
      continue;
    }
    if (!page) return fail(page.error());
    if (!page->is_object() || !page->contains("items") || !(*page)["items"].is_array()) {
      return fail(Error(ErrorKind::unexpected, what + ": the answer is not a list"));
    }
    for (auto& item : (*page)["items"]) {
      item["apiVersion"] = type.api_version();
      item["kind"] = type.kind;
      out.items.push_back(std::move(item));
    }
    out.resource_version = resource_version_of(*page);
    next = text_at(*page, "/metadata/continue");
    if (next.empty()) return out;
  }
}

Request Client::patch(const std::string& path, std::string text, const ApplyOptions& options) {
  std::string query;
  add(query, "fieldManager", options.field_manager);
  add(query, "force", options.force ? "true" : "");
  add(query, "dryRun", options.dry_run ? "All" : "");
  // Nobody here reads warnings, for which the server would parse the body a second time. What no schema knows is
  // refused all the same.
  add(query, "fieldValidation", "Ignore");
  return {"PATCH", path + query, "application/apply-patch+yaml", std::move(text)};
}

Result<json> Client::apply(const ResourceType& type, const json& object, const ApplyOptions& options,
                           Deadline deadline) {
  const ObjectKey key = key_of(object);
  return exchange(patch(type.object_path(key), json_text(object), options), describe("apply", type, key), true,
                  deadline);
}

Result<json> Client::apply_status(const ResourceType& type, const json& object, const ApplyOptions& options,
                                  Deadline deadline) {
  const ObjectKey key = key_of(object);
  return exchange(patch(type.object_path(key) + "/status", json_text(object), options),
                  describe("apply status of", type, key), true, deadline);
}

Result<Receipt> Client::write(const ResourceType& type, const ObjectKey& key, const std::string& text,
                              const ApplyOptions& options, Deadline deadline) {
  return receipt(patch(type.object_path(key), text, options), describe("apply", type, key), true, deadline);
}

Result<Receipt> Client::write_status(const ResourceType& type, const json& object, const ApplyOptions& options,
                                     Deadline deadline) {
  const ObjectKey key = key_of(object);
  return receipt(patch(type.object_path(key) + "/status", json_text(object), options),
                 describe("apply status of", type, key), true, deadline);
}

Result<Receipt> Client::write_new(const ResourceType& type, const ObjectKey& key, std::string text, Deadline deadline) {
  return receipt({"POST", type.collection_path(key.namespace_name), "application/json", std::move(text)},
                 describe("create", type, key), false, deadline);
}

Result<json> Client::create(const ResourceType& type, const json& object, Deadline deadline) {
  const ObjectKey key = key_of(object);
  return exchange({"POST", type.collection_path(key.namespace_name), "application/json", json_text(object)},
                  describe("create", type, key), false, deadline);
}

Result<json> Client::replace(const ResourceType& type, const json& object, Deadline deadline) {
  const ObjectKey key = key_of(object);
  return exchange({"PUT", type.object_path(key), "application/json", json_text(object)}, describe("replace", type, key),
                  false, deadline);
}

Result<> Client::remove(const ResourceType& type, const ObjectKey& key, const DeleteOptions& options,
                        Deadline deadline) {
  json body = {{"apiVersion", "v1"}, {"kind", "DeleteOptions"}, {"propagationPolicy", "Background"}};
  if (!options.uid.empty()) body["preconditions"]["uid"] = options.uid;
  if (!options.resource_version.empty()) body["preconditions"]["resourceVersion"] = options.resource_version;
  if (options.grace) body["gracePeriodSeconds"] = options.grace->count();
  auto answer = exchange({"DELETE", type.object_path(key), "application/json", body.dump()},
                         describe("delete", type, key), false, deadline);
  if (!answer) return fail(answer.error());
  return {};
}

Result<std::unique_ptr<ByteStream>> Client::watch(const ResourceType& type, const std::string& namespace_name,
                                                  const ListOptions& options, std::chrono::seconds timeout,
                                                  std::stop_token stop) {
  const std::string what = "watch " + type.plural;
  std::string query = "?watch=true&allowWatchBookmarks=true";
  add(query, "timeoutSeconds", std::to_string(timeout.count()));
  add(query, "resourceVersion", options.resource_version);
  add(query, "labelSelector", options.label_selector);
  add(query, "fieldSelector", options.field_selector);
  auto opened = transport_->open({"GET", type.collection_path(namespace_name) + query, {}, {}}, timeout + watch_margin,
                                 std::move(stop));
  if (options_.observer) options_.observer(opened ? opened->response.status : 0, "GET");
  if (!opened) return fail(opened.error().within(what));
  if (!opened->stream) return fail(error_of(opened->response, what));
  return std::move(opened->stream);
}

}  // namespace turnkeeper::kube
