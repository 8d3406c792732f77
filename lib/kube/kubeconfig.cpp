#include "turnkeeper/kube/kubeconfig.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>

#include "turnkeeper/base/encoding.hpp"
#include "turnkeeper/base/read_file.hpp"

namespace turnkeeper::kube {
namespace {

using turnkeeper::fail;
using turnkeeper::Result;

std::string where(const std::string& file, const YAML::Mark& mark) {
  if (mark.is_null()) return file;
  return file + ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1);
}

// An entry of the lists "clusters", "users" and "contexts", with the file it came from.
struct Entry {
  YAML::Node node;
  std::string file;
  bool is_file = true;

  [[nodiscard]] std::string at() const { return where(file, node.Mark()); }

  // Scalars only; missing or null: empty.
  [[nodiscard]] Result<std::string> text(const char* key) const {
    const YAML::Node value = node[key];
    if (!value || value.IsNull()) return std::string();
    if (!value.IsScalar()) {
      return fail(where(file, value.Mark()) + ": " + key + " must be a string", "write it as one value");
    }
    return value.Scalar();
  }

  // `key`-data decoded, or the file that `key` names.
  [[nodiscard]] Result<std::string> pem(const std::string& key, std::string* path_used = nullptr) const {
    const std::string data_key = key + "-data";
    auto data = text(data_key.c_str());
    if (!data) return fail(data.error());
    if (!data->empty()) {
      std::erase_if(*data, [](char c) { return c == '\n' || c == '\r' || c == ' ' || c == '\t'; });
      auto decoded = base64_decode(*data);
      if (!decoded) {
        return fail(where(file, node[data_key].Mark()) + ": " + data_key + " is not base64",
                    "copy it again from the cluster's administrator, or name a file with " + key);
      }
      return decoded;
    }
    auto path = text(key.c_str());
    if (!path || path->empty()) return path;
    if (!is_file) return no_path(key);
    const std::string full = resolve(*path);
    auto contents = read_file(full);
    if (!contents) return fail(contents.error().within(where(file, node[key].Mark())));
    if (path_used != nullptr) *path_used = full;
    return contents;
  }

  [[nodiscard]] tl::unexpected<Error> no_path(const std::string& key) const {
    return fail(where(file, node[key].Mark()) + ": " + key + " names a file, which is not there where this is read",
                "put everything in: kubectl config view --raw --flatten");
  }

  [[nodiscard]] std::string resolve(const std::string& path) const {
    const std::filesystem::path given(path);
    return given.is_absolute() ? path : (std::filesystem::path(file).parent_path() / given).string();
  }

  // A key that would change who we are or where we go must not be passed over in silence.
  [[nodiscard]] Result<> refuse(const std::vector<std::string>& keys, const std::string& advice) const {
    for (const auto& key : keys) {
      const YAML::Node value = node[key];
      if (value && !value.IsNull()) {
        return fail(where(file, value.Mark()) + ": " + key + " is not supported", advice);
      }
    }
    return {};
  }
};

struct Document {
  std::string file;
  YAML::Node root;
  bool is_file = true;  // paths in it may be read
};

Result<Document> parse(const std::string& text, const std::string& source, bool is_file) {
  Document document{source, YAML::Load(text), is_file};
  if (!document.root.IsMap()) {
    return fail(source + ": is not a kubeconfig",
                "give what kubectl uses (kubectl config view --raw --flatten prints it)");
  }
  return document;
}

Result<Entry> find(const std::vector<Document>& documents, const char* list, const char* kind, const std::string& name,
                   const std::string& wanted_by) {
  std::string known;
  for (const auto& document : documents) {
    const YAML::Node entries = document.root[list];
    if (!entries || entries.IsNull()) continue;
    if (!entries.IsSequence()) {
      return fail(where(document.file, entries.Mark()) + ": " + list + " must be a list", "see kubectl config view");
    }
    for (const auto& entry : entries) {
      if (!entry.IsMap() || !entry["name"] || !entry["name"].IsScalar()) {
        return fail(where(document.file, entry.Mark()) + ": every entry of " + list + " needs a name",
                    "see kubectl config view");
      }
      const std::string entry_name = entry["name"].Scalar();
      if (entry_name != name) {
        known += (known.empty() ? "" : ", ") + entry_name;
        continue;
      }
      const YAML::Node body = entry[kind];
      if (!body || !body.IsMap()) {
        return fail(where(document.file, entry.Mark()) + ": '" + name + "' has no " + kind, "see kubectl config view");
      }
      return Entry{body, document.file, document.is_file};
    }
  }
  return fail(wanted_by + ": there is no " + kind + " '" + name + "'",
              known.empty() ? std::string("the file defines none") : "there are: " + known);
}

Result<> read_cluster(const Entry& cluster, Config& config) {
  auto server = cluster.text("server");
  if (!server) return fail(server.error());
  if (server->empty()) return fail(cluster.at() + ": the cluster has no server", "add server: https://HOST:PORT");
  if (!server->starts_with("https://") && !server->starts_with("http://")) {
    return fail(where(cluster.file, cluster.node["server"].Mark()) + ": server '" + *server + "' is no http(s) URL",
                "write server: https://HOST:PORT");
  }
  while (server->ends_with('/')) server->pop_back();
  config.server = *server;
  auto ca = cluster.pem("certificate-authority", &config.ca_file);
  if (!ca) return fail(ca.error());
  config.ca_pem = *ca;
  auto skip = cluster.text("insecure-skip-tls-verify");
  if (!skip) return fail(skip.error());
  config.skip_tls_verify = *skip == "true";
  return cluster.refuse({"tls-server-name", "proxy-url"}, "use a context that reaches the API server directly by name");
}

Result<> read_user(const Entry& user, Config& config) {
  if (auto ok = user.refuse({"exec", "auth-provider", "username", "password", "as", "as-uid", "as-groups"},
                            "use a context with a client certificate, token or tokenFile");
      !ok) {
    return ok;
  }
  auto certificate = user.pem("client-certificate");
  if (!certificate) return fail(certificate.error());
  auto key = user.pem("client-key");
  if (!key) return fail(key.error());
  if (certificate->empty() != key->empty()) {
    return fail(user.at() + ": client-certificate and client-key go together", "give both or neither");
  }
  config.client_cert_pem = *certificate;
  config.client_key_pem = Secret(std::move(*key));
  auto token = user.text("token");
  if (!token) return fail(token.error());
  config.token = Secret(std::move(*token));
  auto token_file = user.text("tokenFile");
  if (!token_file) return fail(token_file.error());
  if (!token_file->empty() && !user.is_file) return user.no_path("tokenFile");
  if (!token_file->empty()) config.token_file = user.resolve(*token_file);
  return {};
}

Result<Config> build(const std::vector<Document>& documents) {
  const Document& first = documents.front();
  const Document* chosen_in = nullptr;
  std::string context_name;
  for (const auto& document : documents) {
    const YAML::Node current = document.root["current-context"];
    if (!current || !current.IsScalar() || current.Scalar().empty()) continue;
    context_name = current.Scalar();
    chosen_in = &document;
    break;
  }
  if (chosen_in == nullptr) {
    return fail(first.file + ": no current-context", "choose one: kubectl config use-context NAME");
  }
  const std::string chosen_at = where(chosen_in->file, chosen_in->root["current-context"].Mark());
  auto context = find(documents, "contexts", "context", context_name, chosen_at);
  if (!context) return fail(context.error());

  Config config;
  config.source = first.file;
  auto namespace_name = context->text("namespace");
  if (!namespace_name) return fail(namespace_name.error());
  config.namespace_name = *namespace_name;

  auto cluster_name = context->text("cluster");
  if (!cluster_name) return fail(cluster_name.error());
  auto cluster = find(documents, "clusters", "cluster", *cluster_name, context->at());
  if (!cluster) return fail(cluster.error());
  if (auto ok = read_cluster(*cluster, config); !ok) return fail(ok.error());

  auto user_name = context->text("user");
  if (!user_name) return fail(user_name.error());
  if (!user_name->empty()) {
    auto user = find(documents, "users", "user", *user_name, context->at());
    if (!user) return fail(user.error());
    if (auto ok = read_user(*user, config); !ok) return fail(ok.error());
  }
  return config;
}

}  // namespace

std::vector<std::string> split_kubeconfig_paths(const std::string& joined) {
  std::vector<std::string> paths;
  std::size_t begin = 0;
  while (begin <= joined.size()) {
    const std::size_t end = std::min(joined.find(':', begin), joined.size());
    if (end > begin) paths.push_back(joined.substr(begin, end - begin));
    begin = end + 1;
  }
  return paths;
}

turnkeeper::Result<Config> load_kubeconfig(const std::vector<std::string>& paths) {
  std::vector<Document> documents;
  std::string current;
  try {
    for (const auto& path : paths) {
      current = path;
      std::error_code ignored;
      if (paths.size() > 1 && !std::filesystem::exists(path, ignored)) continue;
      auto text = read_file(path);
      if (!text) return fail(text.error());
      auto document = parse(*text, path, true);
      if (!document) return fail(document.error());
      documents.push_back(std::move(*document));
    }
    if (documents.empty()) {
      return fail("none of the kubeconfig files exists", "set KUBECONFIG to the file that kubectl uses");
    }
    return build(documents);
  } catch (const YAML::Exception& error) {
    return fail(where(current, error.mark) + ": " + error.msg, "correct the YAML there");
  }
}

turnkeeper::Result<Config> parse_kubeconfig(const std::string& text, const std::string& source) {
  try {
    auto document = parse(text, source, false);
    if (!document) return fail(document.error());
    return build({std::move(*document)});
  } catch (const YAML::Exception& error) {
    return fail(where(source, error.mark) + ": " + error.msg, "correct the YAML there");
  }
}

}  // namespace turnkeeper::kube
