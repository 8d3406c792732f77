#include "agent/relay_certificate.hpp"

#include "agent/file.hpp"
#include "turnkeeper/base/log.hpp"

namespace turnkeeper::agent {

RelayCertificate::RelayCertificate(std::string mounted_directory, std::string copy)
    : mounted_directory_(std::move(mounted_directory)), copy_(std::move(copy)) {}

Result<> RelayCertificate::load() {
  auto mounted = read_certificate(mounted_directory_);
  if (!mounted) {
    // The one that this relay had before its container was started again is better than none.
    if (!current_) restore();
    return fail(mounted.error());
  }
  if (current_ && current_->pem == mounted->pem) return {};
  if (auto copied = write_file(copy_, mounted->pem.reveal(), 0600); !copied) return copied;
  current_ = std::move(*mounted);
  is_news_ = true;
  log::info("certificate found", {{"serial", current_->serial}, {"expires", rfc3339(current_->not_after)}});
  if (current_->not_after < real_clock().system()) log::warn("the certificate has expired");
  return {};
}

void RelayCertificate::restore() {
  const auto text = read_file(copy_);
  if (!text) return;
  auto restored = check_certificate(*text, Secret(*text));
  if (!restored) return;
  restored->pem = Secret(*text);
  current_ = std::move(*restored);
  log::info("goes on with the certificate of before", {{"serial", current_->serial}});
}

}  // namespace turnkeeper::agent
