#include "operator/certificates/keeper.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>

#include "operator/resources/names.hpp"
#include "turnkeeper/base/log.hpp"

namespace turnkeeper::op {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds request_budget{30};
constexpr std::chrono::seconds between_looks{60};
constexpr int most_attempts = 10;
json secret_of(const kube::ObjectKey& key, SecretData data) {
  return {
      {"apiVersion", "v1"},
      {"kind", "Secret"},
      {"metadata",
       {{"name", key.name},
        {"namespace", key.namespace_name},
        {"labels", {{"app.kubernetes.io/managed-by", field_manager}, {"app.kubernetes.io/part-of", "turnkeeper"}}}}},
      {"type", "kubernetes.io/tls"},
      {"data", std::move(data)}};
}

Result<> write_file(const std::string& path, const std::string& text) {
  std::ifstream current(path, std::ios::binary);
  if (current && std::string(std::istreambuf_iterator<char>(current), {}) == text) return {};
  const std::string draft = path + ".new";
  ::unlink(draft.c_str());
  const int file = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  const bool written = file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int reason = errno;
  if (file >= 0) ::close(file);
  if (!written) return fail("cannot write " + draft + ": " + std::strerror(reason), "check the directory's rights");
  if (::rename(draft.c_str(), path.c_str()) != 0)
    return fail("cannot write " + path + ": " + std::strerror(errno), "check the directory's rights");
  return {};
}

}  // namespace

CertificateKeeper::CertificateKeeper(kube::Client& client, Options options, const Clock& clock)
    : client_(client), options_(std::move(options)), clock_(clock) {}

Result<std::optional<json>> CertificateKeeper::read(const std::string& name) {
  auto live = client_.get(kube::secrets, {options_.namespace_name, name}, Deadline::after(clock_, request_budget));
  if (live) return std::optional<json>(std::move(*live));
  if (live.error().kind == kube::ErrorKind::not_found) return std::optional<json>();
  return fail(live.error().within("certificates"));
}

Result<CertificateKeeper::Wrote> CertificateKeeper::write(const std::string& name, const std::optional<json>& before,
                                                          json& object) {
  const auto deadline = Deadline::after(clock_, request_budget);
  if (before) object["metadata"]["resourceVersion"] = kube::resource_version_of(*before);
  auto written = before ? client_.apply(kube::secrets, object, {.field_manager = field_manager}, deadline)
                        : client_.create(kube::secrets, object, deadline);
  if (written) {
    log::info("issued", {{"secret", options_.namespace_name + '/' + name}});
    object = std::move(*written);
    return Wrote::done;
  }
  const auto kind = written.error().kind;
  if (kind == kube::ErrorKind::already_exists || kind == kube::ErrorKind::conflict) return Wrote::outdated;
  return fail(written.error().within("certificates"));
}

Result<Authorities> CertificateKeeper::keep_authorities() {
  const std::string name = options_.prefix + "-authority";
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    const auto live = read(name);
    if (!live) return fail(live.error());
    Authorities authorities;
    if (*live) {
      auto held = read_authorities(**live);
      if (!held) return fail(held.error().within("Secret " + options_.namespace_name + '/' + name));
      authorities = std::move(*held);
    }
    const SystemTime now = clock_.system();
    if (!needs_authority(authorities.validities(), now)) return authorities;

    Authorities renewed{{make_authority(validity_from(now, authority_lifetime))}};
    if (!authorities.identities.empty()) renewed.identities.push_back(std::move(authorities.identities.front()));
    json object = secret_of({options_.namespace_name, name}, authorities_data(renewed, now));
    const auto written = write(name, *live, object);
    if (!written) return fail(written.error());
    if (*written == Wrote::done) return renewed;
  }
  return fail("Secret " + options_.namespace_name + '/' + name + " is changed by somebody else all the time",
              "find out who writes it");
}

Result<json> CertificateKeeper::keep_certificate(const std::string& name, const std::vector<std::string>& names,
                                                 const Authorities& authorities) {
  const std::string secret = options_.prefix + '-' + name + "-tls";
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    const auto live = read(secret);
    if (!live) return fail(live.error());
    auto renewed = renewed_certificate(live->value_or(json()), names, authorities, clock_.system());
    if (!renewed) return fail(renewed.error());
    if (!*renewed) return **live;
    json object = secret_of({options_.namespace_name, secret}, std::move(**renewed));
    const auto written = write(secret, *live, object);
    if (!written) return fail(written.error());
    if (*written == Wrote::done) return object;
  }
  return fail("Secret " + options_.namespace_name + '/' + secret + " is changed by somebody else all the time",
              "find out who writes it");
}

Result<> CertificateKeeper::write_files(const json& secret) const {
  std::error_code error;
  const bool made = std::filesystem::create_directories(options_.directory, error);
  if (made && !error) std::filesystem::permissions(options_.directory, std::filesystem::perms::owner_all, error);
  if (error) return fail("cannot make " + options_.directory + ": " + error.message(), "name another directory");
  // The certificate last: who looks between two of them finds a certificate with another key at worst for a moment, and
  // looks again.
  for (const char* name : {"ca.crt", "tls.key", "tls.crt"}) {
    if (auto written = write_file(options_.directory + '/' + name, secret_entry(secret, name)); !written)
      return written;
  }
  return {};
}

Result<> CertificateKeeper::keep() {
  const auto authorities = keep_authorities();
  if (!authorities) return fail(authorities.error());
  const std::string service = options_.prefix + "-operator";
  const std::string in_namespace = service + '.' + options_.namespace_name;
  std::vector<std::string> names = {service, in_namespace, in_namespace + ".svc", in_namespace + ".svc.cluster.local"};
  names.insert(names.end(), options_.names.begin(), options_.names.end());
  const auto own = keep_certificate("operator", names, *authorities);
  if (!own) return fail(own.error());
  if (const auto monitors = keep_certificate("monitor", {monitor_name}, *authorities); !monitors)
    return fail(monitors.error());
  return write_files(*own);
}

void CertificateKeeper::run(std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    wake.wait_for(lock, stop, between_looks, [] { return false; });
    if (stop.stop_requested()) return;
    if (const auto kept = keep(); !kept) log::error("the certificates were not kept", {{"error", kept.error().text()}});
  }
}

}  // namespace turnkeeper::op
